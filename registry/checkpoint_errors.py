"""What goes wrong between a file of weights and a model, told all at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Shape = Sequence[int]


class CheckpointError(ValueError):
    """A checkpoint, its config or a model that do not fit each other; the message has a line for each problem."""


@dataclass
class TensorProblems:
    """What is wrong with the tensors of a file, by their names there.

    missing: which the model needs. surplus: for which it has no place, each with the reason.
    misshapen: the shapes found and expected. unequal: which must have the values of another one and do not.
    """

    missing: list[str] = field(default_factory=list)
    surplus: dict[str, str] = field(default_factory=dict)
    misshapen: dict[str, tuple[Shape, Shape]] = field(default_factory=dict)
    unequal: dict[str, str] = field(default_factory=dict)

    def demand_none(self, who: str) -> None:
        """Raise CheckpointError with everything that was found, unless it is nothing. who: is said to have found it."""
        lines = [
            *(f"missing: {name}{_nearest(name, self.surplus)}" for name in folded(self.missing)),
            *(f"surplus: {name} ({why})" for name, why in _by_value(self.surplus)),
            *(f"wrong shape: {name} {shapes}" for name, shapes in _by_value(_in_words(self.misshapen))),
            *(f"unequal: {name} must be the same as {other}" for name, other in self.unequal.items()),
        ]
        if lines:
            numbers = ((self.missing, "missing"), (self.surplus, "surplus"), (self.misshapen, "misshapen"))
            counts = [f"{len(found)} {word}" for found, word in numbers if found]
            title = f"{who}: the tensors do not fit the model"
            raise CheckpointError("\n  ".join([f"{title} ({', '.join(counts)})" if counts else title, *lines]))


def folded(names: Iterable[str]) -> list[str]:
    """Names that differ in one number as one: h.0-11.ln_1.weight."""
    groups: dict[str, list[list[str]]] = {}
    for name in dict.fromkeys(names):
        numbers = re.findall(r"(?<![^.])\d+(?![^.])", name)
        groups.setdefault(re.sub(r"(?<![^.])\d+(?![^.])", "#", name), []).append(numbers)
    return [name for template, rows in groups.items() for name in _folded(template, rows)]


def _folded(template: str, rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """The first numbers as ranges, for each combination of the others."""
    by_rest: dict[tuple[str, ...], list[int]] = {}
    for numbers in rows:
        by_rest.setdefault(tuple(numbers[1:]), []).extend(map(int, numbers[:1]))
    for rest, firsts in by_rest.items():
        name = template
        for word in [*([_ranges(sorted(firsts))] if firsts else []), *rest]:
            name = name.replace("#", word, 1)
        yield name


def _ranges(numbers: Sequence[int]) -> str:
    """[0, 1, 2, 5] -> "0-2,5"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def _by_value(found: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Folded names with the words they share."""
    by_words: dict[str, list[str]] = {}
    for name, words in found.items():
        by_words.setdefault(words, []).append(name)
    return [(name, words) for words, names in by_words.items() for name in folded(names)]


def _in_words(misshapen: Mapping[str, tuple[Shape, Shape]]) -> dict[str, str]:
    return {name: f"is {list(found)}, expected {list(wanted)}" for name, (found, wanted) in misshapen.items()}


def _nearest(name: str, surplus: Iterable[str]) -> str:
    """The most similar name that nobody uses, as a hint."""
    found = difflib.get_close_matches(name, folded(surplus), n=1, cutoff=0.6)
    return f" (the file has {found[0]}, which nothing uses)" if found else ""
