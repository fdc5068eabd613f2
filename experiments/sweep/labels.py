"""Values as people name them: short labels, and when two values are meant to be the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.values import shown

DOES_NOT_APPLY = "\N{EN DASH}"
"""The label of an axis in a combination that it is not varied in."""

_KIND_KEYS = ("kind", "topology")


def label(value: Any) -> str:
    """A value in full: its kind, then its options."""
    if isinstance(value, Mapping):
        options = " ".join(f"{k}={label(v)}" for k, v in value.items() if k != "kind")
        return f"{value.get('kind', '')} {options}".strip()
    if isinstance(value, list):
        return "[" + ", ".join(map(label, value)) + "]"
    return value if isinstance(value, str) else shown(value)


def labels_of(values: Sequence[Any]) -> list[str]:
    """A short name for each value: its kind, with its options where kinds repeat."""
    different: list[Any] = []
    for value in values:
        if not any(same(value, other) for other in different):
            different.append(value)
    kinds = [_kind(value) for value in different]
    return [kind if kinds.count(kind := _kind(value)) == 1 else label(value) for value in values]


def number_labels(values: Sequence[float]) -> list[str]:
    """Numbers with as few digits as tell them apart, two at least: 0.0031. Whole numbers have all of theirs."""
    if all(isinstance(value, int) for value in values):
        return [str(value) for value in values]
    for digits in range(2, 17):
        short = [f"{value:.{digits}g}" for value in values]
        if len(set(short)) == len(set(values)):
            return short
    return [repr(value) for value in values]


def same(a: Any, b: Any) -> bool:
    """Whether two values of an axis are meant to be the same; a bare word is the kind alone."""
    if isinstance(a, Mapping) != isinstance(b, Mapping):
        a, b = _block(a), _block(b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    # true is not 1
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def fits(wanted: Any, value: Any) -> bool:
    """Whether a value has all that is wanted: the kind, where that is a word, or each option of a block."""
    if isinstance(value, Mapping) and isinstance(wanted, str):
        return wanted in (value.get(key) for key in _KIND_KEYS)
    if isinstance(wanted, Mapping) and isinstance(_block(value), Mapping):
        block = _block(value)
        return all(key in block and fits(part, block[key]) for key, part in wanted.items())
    return same(wanted, value)


def _block(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


def _kind(value: Any) -> str:
    return str(value["kind"]) if isinstance(value, Mapping) and "kind" in value else label(value)
