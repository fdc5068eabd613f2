"""The mistakes of a `sweep:` block, collected with their places."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from experiments.sweep.labels import label, same
from experiments.sweep.reach import fault
from registry.errors import Path, Problem, dotted
from registry.load import Loaded


class Findings:
    """What is wrong with a block, told all at once. taken: path -> where it is varied, to find those varied twice."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.full = loaded.full
        self.sweep = _with_a_variant(loaded.full)
        self.problems: list[Problem] = []
        self.taken: dict[str, Path] = {}

    def say(self, at: Path, message: str, *, key: bool = False) -> None:
        """A mistake at that place, or at its key."""
        composed = self.loaded.composed
        place = composed.key_place(at) if key else composed.place(at)
        self.problems.append(Problem(dotted(at), message, place))

    def setting(self, at: Path, path: str) -> bool:
        """Whether a path leads to a setting that may vary; says why not."""
        why = fault(self.full, path)
        if why is not None:
            self.say(at, why, key=True)
        return why is None

    def varied(self, at: Path, path: str) -> bool:
        """As `setting`, and nothing else varies it."""
        if path in self.taken:
            self.say(at, f"is varied twice: {dotted(self.taken[path])} is the same setting", key=True)
            return False
        self.taken[path] = at
        return self.setting(at, path)

    def values(self, at: Path, values: Sequence[Any]) -> None:
        """A list of values has some, each once."""
        if not values:
            self.say(at, "has no values")
        elif twice := [value for number, value in enumerate(values) if any(same(value, b) for b in values[:number])]:
            self.say(at, f"names a value twice: {label(twice[0])}")

    def source(self, at: Path, source: Any) -> bool:
        """Whether a list or distribution can be drawn from; says why not."""
        earlier = len(self.problems)
        if isinstance(source, list):
            self.values(at, source)
            return len(self.problems) == earlier
        given = {name: ends for name, ends in source.items() if ends is not None}
        if len(given) != 1:
            said = f"has {' and '.join(given)}" if given else "is empty"
            self.say(at, f"{said}; a distribution is one of {', '.join(source)}")
        for name, ends in given.items():
            self._ends((*at, name), name, ends)
        return len(self.problems) == earlier

    def _ends(self, at: Path, name: str, ends: list[float]) -> None:
        if len(ends) != 2:
            self.say(at, f"expects two numbers, [from, to], not {len(ends)}")
        elif ends[0] > ends[1]:
            self.say(at, f"goes from {ends[0]:g} to {ends[1]:g}; the smaller number comes first")
        elif name == "log_uniform" and ends[0] <= 0:
            self.say(at, f"goes from {ends[0]:g}, which has no logarithm; give a number above 0, or use uniform")


def _with_a_variant(full: Mapping[str, Any]) -> Mapping[str, Any]:
    """The block; one that varies nothing is about the spec as it is, with several seeds."""
    sweep: Mapping[str, Any] = full["sweep"]
    if any(sweep[name] is not None for name in ("axes", "zip", "random", "variants")):
        return sweep
    return {**sweep, "variants": {full["name"] or "spec": {}}}


def in_variants(problem: Problem, labels: Collection[str], all_variants: int) -> Problem:
    """A problem with the variants that have it, unless all do."""
    if len(labels) == all_variants:
        return problem
    more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    named = ", ".join(f"[{label}]" for label in list(labels)[:3])
    return replace(problem, message=f"{problem.message} (variants {named}{more})")


def key_of(value: Any) -> str:
    """The same text for the same plain value."""
    return json.dumps(value, sort_keys=True)
