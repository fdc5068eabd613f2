"""Names in a spec that must be keys of another option: a type of layer, which `layer_types` describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from registry.catalog import Catalog, Entry
from registry.check import block_of
from registry.errors import Path, Problem, did_you_mean, dotted
from registry.resolve import Nowhere, Places
from registry.values import TypeInfo, fits


def misnamed(value: Mapping[str, Any], root: Entry, catalog: Catalog, places: Places | None = None) -> list[Problem]:
    """Every text that must be a key of another option and is none, in the full form of a part's block."""
    places, problems = places or Nowhere(), []
    for part in block_of(value, root, catalog, ()).parts():
        for option in part.about["options"]:
            path = (*part.path, option["name"])
            for at, name, named in _names(part.options.get(option["name"]), option["type"], path):
                known = list(part.options.get(named) or ())
                if name not in known:
                    problems.append(Problem(dotted(at), _unknown(name, known, named), places.place(at)))
    return problems


def _names(value: Any, type_: TypeInfo, path: Path) -> Iterator[tuple[Path, str | None, str]]:
    """The texts in a value that must be keys of another option, with that option; None for a list without one."""
    match type_["is"]:
        case "str" if isinstance(value, str) and "key_of" in type_:
            yield path, value, type_["key_of"]
        case "union":
            chosen = next((t for t in type_["of"] if fits(value, t)), None)
            if chosen is not None:
                yield from _names(value, chosen, path)
        case "list" if value == [] and "key_of" in type_["of"]:
            yield path, None, type_["of"]["key_of"]
        case "list" if isinstance(value, list):
            for i, item in enumerate(value):
                yield from _names(item, type_["of"], (*path, i))
        case "record" if isinstance(value, Mapping):
            for option in type_["options"]:
                yield from _names(value.get(option["name"]), option["type"], (*path, option["name"]))


def _unknown(name: str | None, known: list[str], named: str) -> str:
    if name is None:
        return f"names none of {named}: the list is empty"
    if not known:
        return f"'{name}' is not in {named}, which is empty"
    return f"'{name}' is none of {named}: {', '.join(known)}.{did_you_mean(name, known)}"
