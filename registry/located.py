"""A tree of plain values in which each value remembers where it was written."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.errors import Path, Place, Problem, SpecError, dotted

Scalar = str | int | float | bool | None

MAX_DEPTH = 64
MAX_NODES = 50_000
MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Item:
    """A value, where it stands and where its key stands (in a list: the same place).

    Items are never changed, so that an alias, a base file or a reference may share them.
    """

    value: "Scalar | dict[str, Item] | list[Item]"
    place: Place
    key_place: Place


def plain(item: Item) -> Any:
    """The value without places; shared items become separate dicts and lists."""
    if isinstance(item.value, dict):
        return {key: plain(child) for key, child in item.value.items()}
    if isinstance(item.value, list):
        return [plain(child) for child in item.value]
    return item.value


def child_of(item: Item, step: str | int) -> Item | None:
    """One step down, or None when there is nothing."""
    if isinstance(item.value, dict):
        return item.value.get(step) if isinstance(step, str) else None
    if isinstance(item.value, list) and isinstance(step, int) and 0 <= step < len(item.value):
        return item.value[step]
    return None


def find(item: Item, path: Path) -> tuple[Item, int]:
    """The deepest item along `path`, and how many steps of the path led to it."""
    for taken, step in enumerate(path):
        child = child_of(item, step)
        if child is None:
            return item, taken
        item = child
    return item, len(path)


def moved(item: Item, place: Place, key_place: Place) -> Item:
    """The same value, written elsewhere."""
    return replace(item, place=place, key_place=key_place)


def what_is(value: object) -> str:
    """The kind of a value, in words for a message."""
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def number_fault(value: int | float) -> str | None:
    """Why a number is refused, or None. Nothing in a spec needs NaN, infinity or 19 digits."""
    if isinstance(value, float):
        return None if math.isfinite(value) else "NaN and infinity are not allowed"
    # Compared, not printed: Python refuses to print an integer of 5,000 digits.
    return None if abs(value) < 10**MAX_DIGITS else f"an integer of more than {MAX_DIGITS} digits is not allowed"


def text_fault(value: str) -> str | None:
    """Why a text is refused, or None: it could be neither saved nor used in a file name."""
    if "\0" in value:
        return "text must not contain a NUL character"
    if any("\ud800" <= c <= "\udfff" for c in value):
        return "text must not contain half of a surrogate pair; write the character itself or use \\U and 8 digits"
    return None


def located(value: object, place: Place, key_place: Place | None = None) -> Item:
    """A tree from plain Python values, all at one place. Raises SpecError for what YAML could not have given."""
    problems: list[Problem] = []
    nodes = 0

    def build(value: object, path: Path) -> Item:
        nonlocal nodes
        nodes += 1
        is_container = isinstance(value, Mapping | list | tuple)
        if len(path) + is_container > MAX_DEPTH or nodes > MAX_NODES:
            message = f"nested deeper than {MAX_DEPTH} levels, or more than {MAX_NODES:,} values"
            raise SpecError([Problem("", message, place)])
        here: Scalar | dict[str, Item] | list[Item] = None
        fault: str | None = None
        if isinstance(value, Mapping):
            bad_keys = [key for key in value if not isinstance(key, str) or not key]
            problems.extend(Problem(dotted(path), f"keys must be text, not {key!r}", place) for key in bad_keys)
            here = {key: build(child, (*path, key)) for key, child in value.items() if isinstance(key, str)}
        elif isinstance(value, list | tuple):
            here = [build(child, (*path, i)) for i, child in enumerate(value)]
        elif value is None or isinstance(value, bool):
            here = value
        elif isinstance(value, str):
            here, fault = value, text_fault(value)
        elif isinstance(value, int | float):
            here, fault = value, number_fault(value)
        else:
            fault = f"a spec holds mappings, lists, text, numbers, true, false and null, not {type(value).__name__}"
        if fault:
            problems.append(Problem(dotted(path), fault, place))
        return Item(here, place, key_place if key_place and not path else place)

    item = build(value, ())
    if problems:
        raise SpecError(problems)
    return item


def nearest_keys(item: Item) -> Sequence[str]:
    """The keys that a path could go on with."""
    return list(item.value) if isinstance(item.value, dict) else []
