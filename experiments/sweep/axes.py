"""The axes of a sweep, from what its block says: lists, zipped lists, draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.sweep.draws import Space, draws
from experiments.sweep.labels import fits, label, labels_of, number_labels, same
from experiments.sweep_options import Distribution
from registry.errors import Path


@dataclass(frozen=True)
class Factor:
    """Settings that change together: one factor of the product of all combinations.

    An axis of its own has one path, a `zip` group and `random` have several, with as many values each.

    at: where it stands in the spec. values, labels: path -> one for each step of the factor. when: the combinations
    that it is varied in, {path: wanted}; all of them where that is empty. nameable: path -> the values that conditions
    may speak of; those that were not drawn by luck are no mistakes.
    """

    at: Path
    values: Mapping[str, Sequence[Any]]
    labels: Mapping[str, Sequence[str]]
    when: Mapping[str, Any] = field(default_factory=dict)
    nameable: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return min((len(values) for values in self.values.values()), default=0)

    def place(self, path: str, step: int) -> Path:
        """Where the spec says a value."""
        match self.at:
            case ("sweep", "axes", *_):
                return (*self.at, step)
            case ("sweep", "random", *_):
                return (*self.at, path)
            case _:
                return (*self.at, path, step)

    def label(self, path: str, value: Any) -> str:
        """What a value of that path is called, one of the factor's own or another."""
        named = zip(self.labels[path], self.values[path], strict=True)
        return next((name for name, own in named if same(own, value)), label(value))

    def picks(self, path: str, wanted: Any) -> set[int]:
        """The steps at which `path` has a wanted value.

        wanted: one of the values as it is written, or by its label, or what only some of them have (the kind of a
        block, or some of its options); else a list of such.
        """
        values, labels = self.values[path], self.labels[path]
        readings = (
            {i for i, value in enumerate(values) if same(value, wanted)},
            {i for i, name in enumerate(labels) if name == label(wanted)},
            {i for i, value in enumerate(values) if fits(wanted, value)},
        )
        if found := next((steps for steps in readings if steps), None):
            return found
        return {i for item in wanted for i in self.picks(path, item)} if isinstance(wanted, list) else set()

    def knows(self, path: str, wanted: Any) -> bool:
        """Whether a condition may want that of the path."""
        return bool(self.picks(path, wanted)) or any(fits(wanted, value) for value in self.nameable.get(path, ()))


def factors_of(sweep: Mapping[str, Any]) -> list[Factor]:
    """The factors of a `sweep:` block without mistakes, in the order of its combinations: axes, zip, random."""
    found = [axis_of(path, axis) for path, axis in (sweep["axes"] or {}).items()]
    for number, group in enumerate(sweep["zip"] or []):
        found.append(Factor(("sweep", "zip", number), group, {p: labels_of(values) for p, values in group.items()}))
    if sweep["random"] is not None:
        found.append(_drawn(sweep["random"]))
    return found


def axis_of(path: str, axis: Any) -> Factor:
    """One of `axes`: a list of values, or a block with `values`."""
    at: Path = ("sweep", "axes", path)
    if isinstance(axis, list):
        return Factor(at, {path: axis}, {path: labels_of(axis)})
    labels = axis["labels"] if axis["labels"] is not None else labels_of(axis["values"])
    return Factor((*at, "values"), {path: axis["values"]}, {path: labels}, axis["when"] or {})


def space_of(settings: Mapping[str, Any]) -> Space:
    """What `random.settings` and `tune` say, with each distribution as an object."""
    return {path: source if isinstance(source, list) else Distribution(**source) for path, source in settings.items()}


def _drawn(random: Mapping[str, Any]) -> Factor:
    space = space_of(random["settings"])
    found = draws(space, random["draws"], random["seed"])
    values = {path: [drawn[path] for drawn in found] for path in space}
    lists = {path: source for path, source in space.items() if isinstance(source, list)}
    labels = {p: _labels_of_choices(lists[p], v) if p in lists else number_labels(v) for p, v in values.items()}
    return Factor(("sweep", "random", "settings"), values, labels, nameable=lists)


def _labels_of_choices(choices: Sequence[Any], values: Sequence[Any]) -> list[str]:
    names = labels_of(choices)
    return [next(name for name, choice in zip(names, choices, strict=True) if same(choice, v)) for v in values]
