# The quick start: `make demo` trains and ranks the demo sweep, `make test` runs the default tests.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
OUT ?= runs
ARGS ?=

.PHONY: setup demo study recipes test lint types contracts check clean help

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready  ## Make .venv and install everything, pinned

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@echo "installing into $(VENV) (the first time this downloads torch)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/swapformer list > /dev/null
	@touch $@

demo: setup  ## Train the demo sweep, rank it, write its report; again: continue or show
	$(BIN)/swapformer sweep demo --out $(OUT) $(ARGS)

study: setup  ## A study with five seeds, whose report is docs/studies/parts.html (half an hour)
	$(BIN)/swapformer sweep studies/parts --out $(OUT) $(ARGS)

recipes: setup  ## Train every recipe with three seeds, and write docs/recipes.md (hours)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.recipes --write $(ARGS)

test: setup  ## Run the default test suite, on all cores
	$(BIN)/python -m pytest -n auto $(ARGS)

lint: setup  ## Style
	$(BIN)/ruff check .

types: setup  ## Types
	$(BIN)/mypy

contracts: setup  ## Which package may import which
	$(BIN)/lint-imports

check: lint types contracts test  ## All of the above

clean:  ## Remove what was installed and built, but no run
	rm -rf $(VENV) build dist *.egg-info
