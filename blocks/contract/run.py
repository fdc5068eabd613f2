"""Running the checks: under pytest, or plainly."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blocks.contract.check import Broken, Check, checks
from blocks.contract.subject import FAMILIES, Subject


@dataclass(frozen=True)
class Finding:
    """Outcome of one check of one part. problem: what is wrong, None when nothing is."""

    family: str
    kind: str
    check: str
    problem: str | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None


def checks_for(family: str, kind: str | type, **options: Any) -> tuple[Subject, list[Check]]:
    """The part as it will be tried, and the checks that apply to what it declares.

    kind: name of a declared part, or a class. options: of its constructor; dimensions (dim=32) set the size.
    Raises ValueError for an unknown family or kind.
    """
    subject = Subject.of(family, kind, options)
    for name in FAMILIES:
        importlib.import_module(f"blocks.contract.{name}")
    return subject, [c for c in checks()[family] if c.when(subject)]


def run_contract(family: str, kind: str | type, **options: Any) -> list[Finding]:
    """Run every check that applies; a check that fails does not stop the others. Arguments as in `checks_for`."""
    subject, applying = checks_for(family, kind, **options)
    return [Finding(family, subject.kind, c.name, _problem(c, subject)) for c in applying]


def _problem(of: Check, subject: Subject) -> str | None:
    try:
        of.run(subject)
    except Broken as problem:
        return str(problem)
    # whatever a stranger's part raises is a finding about it
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def contract_tests(family: str, kind: str | type, **options: Any) -> Callable[..., None]:
    """A pytest test with one case for every check that applies. Arguments as in `checks_for`.

    test_mine = contract_tests("attention", "mine", window=4)
    """
    import pytest

    subject, applying = checks_for(family, kind, **options)

    @pytest.mark.parametrize("check", applying, ids=[c.name for c in applying])
    def test_contract(check: Check) -> None:
        try:
            check.run(subject)
        except Broken as problem:
            # the message says it all; a traceback would only show the inside of the check
            pytest.fail(str(problem), pytrace=False)

    return test_contract
