"""Runs the tests of faults and writes docs/faults.md: what goes wrong, how it is injected, what must hold, the result.

.venv/bin/python docs/faults.py            run all tests below tests/faults, slow ones too, and write the table
.venv/bin/python docs/faults.py -n 2       the same, with arguments for pytest
.venv/bin/python docs/faults.py --check    only say whether the table names the faults that are tested; runs nothing
"""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "faults.md"
TESTS = "tests/faults"

HEAD = """# Faults

What can go wrong, and what must hold all the same. Written by `docs/faults.py`, which runs every test: real processes,
real signals, real full disks, as far as the machine lets it. A test that is left out says why.

| fault | injected how | what must hold | result | test |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Fault:
    """A test with its mark. id: sorts the table, and is not shown. test: its node id, without parameters."""

    id: str
    what: str
    how: str
    holds: str
    test: str


class Collector:
    """A pytest plug-in that notes the faults, and how each test came out."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        self.results: dict[str, list[str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            test = item.nodeid.partition("[")[0]
            for mark in item.iter_markers("fault"):
                self.faults[test] = Fault(*mark.args, test)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            words = {"passed": "holds", "failed": "**fails**"}.get(report.outcome, f"left out: {_why(report)}")
            self.results.setdefault(report.nodeid.partition("[")[0], []).append(words)

    @property
    def sorted(self) -> list[Fault]:
        return sorted(self.faults.values(), key=lambda fault: (int(fault.id.removeprefix("F")), fault.test))


def rows(faults: list[Fault], results: dict[str, list[str]]) -> list[str]:
    """The lines of the table."""
    lines = []
    for fault in faults:
        result = ", ".join(dict.fromkeys(results.get(fault.test, ["not run"])))
        path, _, name = fault.test.partition("::")
        cells = (fault.what, fault.how, fault.holds, result, f"[{name}](../{path})")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def stale(page: str, faults: list[Fault]) -> list[str]:
    """What sets the page apart from the tests: all but the results."""

    def without_result(line: str) -> tuple[str, ...]:
        cells = re.split(r"(?<!\\)\|", line)
        return tuple(cell.strip() for number, cell in enumerate(cells) if number != 4)

    written = [without_result(line) for line in page.removeprefix(HEAD).splitlines()]
    wanted = [without_result(line) for line in rows(faults, {})]
    missing = [f"not in the table: {line[-2]}" for line in wanted if line not in written]
    return missing + [f"no such test, or with other words: {line[-2]}" for line in written if line not in wanted]


def collect(*arguments: str) -> tuple[Collector, int]:
    """Have pytest look at the tests, or run them."""
    collector = Collector()
    with tempfile.TemporaryDirectory() as folder:
        common = ["-p", "no:cacheprovider", f"--basetemp={folder}/tests", "-m", "fault", str(ROOT / TESTS)]
        code = pytest.main([*common, f"--rootdir={ROOT}", *arguments], plugins=[collector])
    return collector, int(code)


def main(arguments: list[str]) -> int:
    """Returns an exit code."""
    if arguments == ["--check"]:
        collector, code = collect("--collect-only", "-qq")
        page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        problems = stale(page, collector.sorted) if page.startswith(HEAD) else ["docs/faults.md has another head"]
        if code or problems:
            print("\n".join(["docs/faults.md is not up to date; run docs/faults.py", *problems]))
        return 1 if code or problems else 0
    # by itself, because processes that share the tests collect them where this one does not see it
    collector, _ = collect("--collect-only", "-qq")
    done, code = collect("-q", *arguments)
    PAGE.write_text(HEAD + "\n".join(rows(collector.sorted, done.results)) + "\n", encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(collector.faults)} faults")
    return code


def _why(report: Any) -> str:
    """Why a test was skipped."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(reason).removeprefix("Skipped: ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
