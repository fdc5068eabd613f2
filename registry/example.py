"""How a spec would name a part: a line to copy."""

from __future__ import annotations

from typing import Any

from registry.catalog import Catalog, Entry
from registry.load import ROOT
from registry.slots import alternatives, slots
from registry.values import TypeInfo


def example(entry: Entry, catalog: Catalog, most: int = 2) -> tuple[str, tuple[str, ...]]:
    """A line of YAML, and the keys it stands below: `attention: {kind: longformer, window: 512}`, (model,).

    Shows the options that must be given, then others with a default that is more than off, at most `most` of those.
    """
    if (entry["family"], entry["kind"]) == ROOT:
        return example(catalog.of("topology")[0], catalog)
    path = slots(catalog).get(entry["family"], (entry["family"],))
    options = {o["name"]: _sample(o["type"]) for o in entry["options"] if "default" not in o}
    if not options:
        telling = {o["name"]: o["default"] for o in entry["options"] if _is_telling(o.get("default"))}
        options = dict(list(telling.items())[:most])
    block = {entry["kind_key"]: entry["kind"], **options}
    short = "{" + ", ".join(f"{name}: {_yaml(value)}" for name, value in block.items()) + "}"
    return f"{path[-1]}: {short if options else entry['kind']}", path[:-1]


def _is_telling(default: Any) -> bool:
    """Whether a default says more than on, off or nothing."""
    return isinstance(default, int | float | str) and not isinstance(default, bool) and default not in (0, "")


def _sample(type_: TypeInfo) -> Any:
    """A plausible value for an option without default."""
    first = next(alternatives(type_))
    return {"int": 256, "float": 0.1, "str": "name", "bool": True}.get(first["is"], first.get("values", ["..."])[0])


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
