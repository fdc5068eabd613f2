"""A full model block in one of its wordings for the same model: presets as their class, like layers as a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from registry.catalog import Catalog, Entry
from registry.values import TypeInfo, fits


def canonical(full: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The block with each preset as the kind that is its class, if there is one, and with all options of that.

    A list or pattern of layer types that say nothing becomes the number of the layers.
    """
    block: dict[str, Any] = _plain(full, {"is": "part", "family": "topology"}, catalog)
    types = block.get("layer_types") or {}
    for place in (block, *(block[side] for side in ("encoder", "decoder") if isinstance(block.get(side), Mapping))):
        if "layers" in place:
            place["layers"] = _number(place["layers"], types)
    return block


def _plain(value: Any, type_: TypeInfo, catalog: Catalog) -> Any:
    match type_["is"]:
        case "part":
            key = catalog.kind_key(type_["family"])
            entry = catalog.get(type_["family"], value[key])
            return {key: _plain_kind(entry, catalog), **entry["fixed"], **_options(value, entry["options"], catalog)}
        case "record":
            return _options(value, type_["options"], catalog)
        case "union":
            return _plain(value, next(t for t in type_["of"] if fits(value, t)), catalog)
        case "list":
            return [_plain(item, type_["of"], catalog) for item in value]
        case "map":
            return {key: _plain(item, type_["of"], catalog) for key, item in value.items()}
    return value


def _options(value: Mapping[str, Any], options: Iterable[TypeInfo], catalog: Catalog) -> dict[str, Any]:
    return {o["name"]: _plain(value[o["name"]], o["type"], catalog) for o in options}


def _plain_kind(entry: Entry, catalog: Catalog) -> str:
    """The kind of the same class that fixes nothing, else the entry's own."""
    family, kind = entry["family"], entry["kind"]
    if entry["fixed"]:
        for other in catalog.of(family):
            if not other["fixed"] and other["name"] == entry["name"]:
                target = catalog.part(family, other["kind"]).target
                if target is catalog.part(family, kind).target:
                    return str(other["kind"])
    return str(kind)


def _number(layers: Any, types: Mapping[str, Any]) -> Any:
    """How many layers there are, if their types say nothing; else what was said."""
    names = layers["pattern"] if isinstance(layers, Mapping) else layers
    if not isinstance(names, list) or not types.keys() >= set(names):
        return layers
    if any(value is not None for name in names for value in types[name].values()):
        return layers
    return layers["count"] if isinstance(layers, Mapping) else len(names)
