"""Where parts stand in a spec: which option holds a part of which family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from registry.catalog import Catalog, Entry
from registry.load import ROOT
from registry.values import TypeInfo


def slots(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """The shortest path to each family in a spec, attention -> (model, attention), in the order of the spec."""
    found: dict[str, tuple[str, ...]] = {}
    level: list[tuple[tuple[str, ...], Entry]] = [((), catalog.get(*ROOT))]
    while level:
        below: list[tuple[tuple[str, ...], Entry]] = []
        for path, entry in level:
            for name, family in held(entry["options"]):
                if family not in found and family in catalog.families:
                    found[family] = (*path, name)
                    below += [(found[family], inner) for inner in catalog.of(family)]
        level = below
    return found


def families_in_order(catalog: Catalog) -> list[str]:
    """Every family: the whole spec first, then as a spec names them, then those that no spec reaches."""
    return list(dict.fromkeys([ROOT[0], *slots(catalog), *catalog.families]))


def held(options: Sequence[TypeInfo]) -> Iterator[tuple[str, str]]:
    """The options that hold a part, with its family; those of records inside too, after their parents."""
    inner: list[Sequence[TypeInfo]] = []
    for option in options:
        for type_ in alternatives(option["type"]):
            if type_["is"] == "part":
                yield option["name"], type_["family"]
            elif type_["is"] == "record":
                inner.append(type_["options"])
    for more in inner:
        yield from held(more)


def alternatives(type_: TypeInfo) -> Iterator[TypeInfo]:
    """A type, or the members of a union; of lists and mappings, what is inside them."""
    match type_["is"]:
        case "union":
            for member in type_["of"]:
                yield from alternatives(member)
        case "list" | "map":
            yield from alternatives(type_["of"])
        case _:
            yield type_


def records(options: Sequence[TypeInfo], before: str = "") -> Iterator[tuple[str, TypeInfo]]:
    """Every record among options, each followed by those inside it, with its dotted path."""
    for option in options:
        for type_ in alternatives(option["type"]):
            if type_["is"] == "record":
                path = f"{before}{option['name']}"
                yield path, type_
                yield from records(type_["options"], f"{path}.")


def needs_of(entry: Entry) -> Iterator[Mapping[str, Any]]:
    """What a part needs of others, by itself and through the records among its options."""
    yield from entry["needs"]
    for option in entry.get("options", ()):
        for type_ in alternatives(option["type"]):
            if type_["is"] == "record":
                yield from needs_of(type_)
