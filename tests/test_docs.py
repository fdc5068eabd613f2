"""Every code block of the pages is run: Python is executed, specs are checked, commands are called."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments.cli.main import cli
from experiments.sweep.plan import make_plan
from registry.load import Loaded, load
from registry.part import _PARTS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SPECS = [*sorted((ROOT / "experiments/specs").rglob("*.yaml")), *sorted((ROOT / "examples").glob("*.yaml"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def _parts_of_pages() -> Iterator[None]:
    """Parts that a page declares are forgotten after it."""
    yield
    for key in [key for key, part in _PARTS.items() if part.module in ("builtins", "my_norm")]:
        del _PARTS[key]


@pytest.mark.usefixtures("_parts_of_pages")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_of_a_page_work_in_order(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, object] = {}
    for language, text in FENCE.findall(page.read_text(encoding="utf-8")):
        file = _keep(text)
        if language == "python" and file is None:
            exec(compile(text, page.name, "exec"), names)  # noqa: S102
        elif language == "yaml":
            _check(load(file or _write("spec.yaml", text)))
        elif language == "console":
            for line in text.splitlines():
                _call(line)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_specs_that_ship_are_right(spec: Path) -> None:
    # the runs that some recipes start from come first
    _check(load(spec, ["init_from=null"] if "recipes" in spec.parts else [], trust=True))


def _check(loaded: Loaded) -> None:
    if loaded.full["sweep"] is not None:
        make_plan(loaded)


def _keep(text: str) -> Path | None:
    """A block whose first line is a comment with a file's name is that file."""
    named = re.match(r"# ([\w.]+\.(?:yaml|py))\n", text)
    return _write(named[1], text) if named else None


def _write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def _call(line: str) -> None:
    """Call one line of a console block: training is cut short, what needs a trained run is asked for its help."""
    words = shlex.split(line, comments=True)
    if words[:1] != ["swapformer"]:
        return
    asked = ("report", "generate", "predict", "evaluate", "export", "results", "diff", "status")
    trained = {name: ["--help"] for name in asked}
    extra = {"run": ["trainer.max_steps=2"], "sweep": ["--dry-run"], **trained}
    result = CliRunner().invoke(cli, [*words[1:], *extra.get(words[1], [])])
    assert result.exit_code == 0, f"{line}\n{result.output}"
