"""What a part goes with, from the declarations alone: what each side needs against what the other provides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.catalog import Catalog, Entry
from registry.slots import held, needs_of, slots


@dataclass
class Partners:
    """The kinds of another family, seen from one part. refused, limited: kind -> why, or under which condition."""

    family: str
    works: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    limited: dict[str, str] = field(default_factory=dict)


def partners(entry: Entry, catalog: Catalog) -> list[Partners]:
    """Every family that has a say in whether this part can be used, with its kinds."""
    family_of = {name: family for e in catalog.entries.values() for name, family in held(e["options"])}
    main = {path[-1] for path in slots(catalog).values()}
    found = []
    for family in catalog.families:
        if family == entry["family"]:
            continue
        seen = Partners(family)
        related = False
        for other in catalog.of(family):
            asked = [(entry, other, n) for n in needs_of(entry) if family_of.get(_slot(n)) == family]
            asked += [(other, entry, n) for n in needs_of(other) if family_of.get(_slot(n)) == entry["family"]]
            related = related or bool(asked)
            _judge(seen, other["kind"], [n for _, giver, n in asked if n["capability"] not in giver["provides"]], main)
        if related:
            found.append(seen)
    return found


def _judge(seen: Partners, kind: str, unmet: list[Mapping[str, Any]], main: set[str]) -> None:
    """`main`: the slots in which a spec usually names a part; a need of another slot (cross_attention) only limits."""
    always = [_reason(need) for need in unmet if not need["when"] and _slot(need) in main]
    if always:
        seen.refused[kind] = "; ".join(dict.fromkeys(always))
        return
    seen.works.append(kind)
    if unmet:
        seen.limited[kind] = "; ".join(dict.fromkeys(f"{_when(need)}: {_reason(need)}" for need in unmet))


def _slot(need: Mapping[str, Any]) -> str:
    return str(need["slot"]).split(".")[-1]


def _reason(need: Mapping[str, Any]) -> str:
    return f"{need['because']} ({need['capability']})" if need["because"] else f"needs: {need['capability']}"


def _when(need: Mapping[str, Any]) -> str:
    if not need["when"]:
        return f"not as `{need['slot']}`"
    return "not with " + ", ".join(f"{name}: {str(value).lower()}" for name, value in need["when"].items())
