"""Names in a spec that something else in it gives: a key of another option, a metric of the task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from registry.catalog import Catalog, Entry
from registry.check import Block, block_of
from registry.errors import Path, Problem, did_you_mean, dotted
from registry.resolve import Nowhere, Places
from registry.values import TypeInfo, fits

SPLIT = "valid/"
"""The split whose metrics runs are compared by."""


def misnamed(value: Mapping[str, Any], root: Entry, catalog: Catalog, places: Places | None = None) -> list[Problem]:
    """Every text that must be a key of another option, or a metric, and is none, in the full form of a part's block."""
    places, problems = places or Nowhere(), []
    whole = block_of(value, root, catalog, ())
    for part in whole.parts():
        for option in part.about["options"]:
            path = (*part.path, option["name"])
            for at, name, type_ in _names(part.options.get(option["name"]), option["type"], path):
                wrong = _no_key(name, part, type_) if "key_of" in type_ else _no_metric(name, whole, type_)
                if wrong:
                    problems.append(Problem(dotted(at), wrong, places.place(at)))
    return problems


def _names(value: Any, type_: TypeInfo, path: Path) -> Iterator[tuple[Path, str | None, TypeInfo]]:
    """The texts in a value that something else must give, with their types; None for a list without one."""
    match type_["is"]:
        case "str" if isinstance(value, str) and _is_name(type_):
            yield path, value, type_
        case "union":
            chosen = next((t for t in type_["of"] if fits(value, t)), None)
            if chosen is not None:
                yield from _names(value, chosen, path)
        case "list" if value == [] and _is_name(type_["of"]):
            yield path, None, type_["of"]
        case "list" if isinstance(value, list):
            for i, item in enumerate(value):
                yield from _names(item, type_["of"], (*path, i))
        case "record" if isinstance(value, Mapping):
            for option in type_["options"]:
                yield from _names(value.get(option["name"]), option["type"], (*path, option["name"]))


def _is_name(type_: TypeInfo) -> bool:
    return "key_of" in type_ or "metric_of" in type_


def _no_key(name: str | None, part: Block, type_: TypeInfo) -> str:
    """What is wrong with a key of another option; nothing for a right one."""
    named = type_["key_of"]
    known = list(part.options.get(named) or ())
    if name is None:
        return f"names none of {named}: the list is empty"
    if name in known:
        return ""
    if not known:
        return f"'{name}' is not in {named}, which is empty"
    return f"'{name}' is none of {named}: {', '.join(known)}.{did_you_mean(name, known)}"


def _no_metric(name: str | None, whole: Block, type_: TypeInfo) -> str:
    """What is wrong with a metric; where no part says what it measures, the split alone is known."""
    part = whole.slots.get(type_["metric_of"])
    known = [SPLIT + metric for metric in part.about["metrics"]] if part is not None else []
    if name is None or any(fnmatchcase(name, metric) for metric in known or [f"{SPLIT}*"]):
        return ""
    if part is None or not known:
        return f"'{name}' is not measured on the validation data: a metric starts with {SPLIT}"
    return f"{part.name} has no metric '{name}'; it has {', '.join(known)}.{did_you_mean(name, known)}"
