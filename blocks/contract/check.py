"""A check: one promise of a family, and how it is tried on a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch

from blocks.contract.subject import Subject

Test: TypeAlias = Callable[[Subject], None]
Condition: TypeAlias = Callable[[Subject], bool]


class Broken(AssertionError):
    """A part does not keep a promise; the message says which one and where."""


@dataclass(frozen=True)
class Check:
    """One promise of a family. test: raises when a part breaks it. when: which parts make it."""

    family: str
    name: str
    test: Test
    when: Condition

    def run(self, subject: Subject) -> None:
        """Try it on a part, from a fixed seed; the caller's random state stays as it was.

        Raises `Broken`, or what the part raises.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.test(subject)


_CHECKS: dict[str, list[Check]] = {}


def check(family: str, name: str, *, when: Condition = lambda subject: True) -> Callable[[Test], Test]:
    """Add a promise to a family."""

    def add(test: Test) -> Test:
        _CHECKS.setdefault(family, []).append(Check(family, name, test, when))
        return test

    return add


def checks() -> dict[str, list[Check]]:
    """All promises imported so far, by family."""
    return _CHECKS


def provides(*words: str) -> Condition:
    """The part declares all of these words."""
    return lambda subject: set(words) <= subject.provides


def demand(holds: bool | torch.Tensor, problem: str) -> None:
    """Raise `Broken` with this problem unless it holds."""
    if not bool(holds):
        raise Broken(problem)
