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
    telling = [o for o in entry["options"] if isinstance(o.get("default"), int | float | str) and o["default"] not in (0, "")]
    options |= {o["name"]: o["default"] for o in telling[: 0 if options else most] if o["default"] is not True}
    kind_key, kind = entry["kind_key"], entry["kind"]
    short = kind if not options else "{" + ", ".join(f"{k}: {_yaml(v)}" for k, v in {kind_key: kind, **options}.items()) + "}"
    return f"{path[-1]}: {short}", path[:-1]


def _sample(type_: TypeInfo) -> Any:
    """A plausible value for an option without default."""
    first = next(alternatives(type_))
    return {"int": 256, "float": 0.1, "str": "name", "bool": True}.get(first["is"], first.get("values", ["..."])[0])


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
