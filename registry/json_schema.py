"""JSON Schema (draft 2020-12) of a spec file, made from the descriptions of the parts, for editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from registry.catalog import Catalog, Entry
from registry.docs import docs_of, option_docs
from registry.load import ROOT
from registry.slots import held
from registry.values import TypeInfo

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = {
    "type": "string",
    "pattern": r"^\$\{[^}]+\}$",
    "description": "A reference to another setting of the spec: ${a.b}",
}
BASE = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    "description": "Spec files, relative to this one, or names of specs that ship, that this one is laid over; the "
    "last one wins.",
}


def json_schema(catalog: Catalog) -> Schema:
    """The schema of spec files, with the parts in reach.

    Of a file with `base:`, which is only part of a spec, the top-level keys are checked. Rules between parts are left
    to `check`.
    """
    root = catalog.get(*ROOT)
    writer = _Writer(catalog)
    whole = writer.options(root["options"], docs_of(root, catalog))
    for family in _families(catalog):
        writer.family(family)
    top = {name: {"description": schema.get("description", "")} for name, schema in whole["properties"].items()}
    return {
        "$schema": DRAFT,
        "title": "swapformer spec",
        "description": root["summary"],
        "type": "object",
        "if": {"required": ["base"]},
        "then": {"properties": {**top, "base": BASE}, "additionalProperties": False},
        "else": {"$ref": "#/$defs/spec"},
        "$defs": {"spec": whole, "reference": REFERENCE, **writer.definitions},
    }


def _families(catalog: Catalog) -> Iterable[str]:
    """The families that options speak of."""
    found = (family for entry in catalog.entries.values() for _, family in held(entry["options"]))
    return dict.fromkeys(family for family in found if family in catalog.families)


class _Writer:
    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.definitions: dict[str, Schema] = {}

    def family(self, family: str) -> None:
        """A part of that family: its kind as a bare word where it needs no options, or a block."""
        entries = self.catalog.of(family)
        words = [e["kind"] for e in entries if all("default" in option for option in e["options"])]
        blocks = [self.block(entry) for entry in entries]
        self.definitions[family] = {
            "description": entries[0]["family_summary"],
            "anyOf": [*([{"enum": words}] if words else []), {"oneOf": blocks}, _ref("reference")],
        }

    def block(self, entry: Entry) -> Schema:
        """A block of one kind, told from the others by the word under its kind's key."""
        name, key = f"{entry['family']}.{entry['kind']}", entry["kind_key"]
        schema = self.options(entry["options"], docs_of(entry, self.catalog))
        schema["description"] = _join(entry["summary"], entry["paper"])
        schema["properties"] = {key: {"const": entry["kind"], "description": entry["summary"]}, **schema["properties"]}
        schema["required"] = [key, *schema.get("required", [])]
        self.definitions[name] = schema
        return _ref(name)

    def options(self, options: Sequence[TypeInfo], said: Mapping[str, str]) -> Schema:
        """A mapping with these keys and no others."""
        schema: Schema = {
            "type": "object",
            "properties": {option["name"]: self.option(option, said.get(option["name"], "")) for option in options},
            "additionalProperties": False,
        }
        if required := [option["name"] for option in options if "default" not in option]:
            schema["required"] = required
        return schema

    def option(self, option: TypeInfo, words: str) -> Schema:
        schema = self.type(option["type"])
        # a null default says "none" and is no value to offer
        default = {"default": option["default"]} if option.get("default") is not None else {}
        return {**schema, **({"description": words} if words else {}), **default}

    def type(self, type_: TypeInfo) -> Schema:
        """The schema of a type; whatever is not text may also be a reference."""
        alternatives = type_["of"] if type_["is"] == "union" else [type_]
        schemas = [self.plain(alternative) for alternative in alternatives]
        if not all("$ref" in schema or schema == {} or schema.get("type") == "string" for schema in schemas):
            schemas.append(_ref("reference"))
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def plain(self, type_: TypeInfo) -> Schema:
        match type_["is"]:
            case "bool":
                return {"type": "boolean"}
            case "int":
                return {"type": "integer", **_bounds(type_)}
            case "float":
                return {"type": "number", **_bounds(type_)}
            case "str":
                return {"type": "string", **({"pattern": f"^(?:{type_['pattern']})$"} if "pattern" in type_ else {})}
            case "none":
                return {"type": "null"}
            case "choice":
                return {"enum": type_["values"]}
            case "list":
                return {"type": "array", "items": self.type(type_["of"])}
            case "map":
                return {"type": "object", "additionalProperties": self.type(type_["of"])}
            case "part":
                return _ref(type_["family"])
            case "record":
                return self.record(type_)
            case _:
                return {}

    def record(self, type_: TypeInfo) -> Schema:
        names = [option["name"] for option in type_["options"]]
        schema = self.options(type_["options"], option_docs(type_["doc"], names))
        self.definitions[type_["name"]] = schema
        return _ref(type_["name"])


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _bounds(type_: TypeInfo) -> Schema:
    words = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    return {word: type_[bound] for bound, word in words.items() if bound in type_}


def _join(summary: str, paper: str) -> str:
    return f"{summary} ({paper})" if paper else summary
