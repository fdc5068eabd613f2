"""Types, defaults and values of options as people read them."""

from __future__ import annotations

from typing import Any

from registry.slots import alternatives
from registry.values import TypeInfo, expected


def type_in_words(type_: TypeInfo) -> str:
    """The type in words; that an option may be null is told by its default."""
    match type_["is"]:
        case "union":
            return ", or ".join(dict.fromkeys(type_in_words(t) for t in type_["of"] if t["is"] != "none"))
        case "part":
            return f"a kind of {type_['family']}"
        case "record":
            return "a mapping, see below"
        case "choice":
            return ", ".join(map(str, type_["values"]))
        case "list":
            return f"list: {type_in_words(type_['of'])}"
        case "map":
            return f"by name: {type_in_words(type_['of'])}"
        case _:
            return expected(type_)


def default_in_words(option: TypeInfo) -> str:
    """The default, or "required"; nothing for a record, whose options have their own."""
    if "default" not in option:
        return "required"
    is_record = isinstance(option["default"], dict) and any(t["is"] == "record" for t in alternatives(option["type"]))
    return "" if is_record else value_in_words(option["default"])


def value_in_words(value: Any) -> str:
    """A value as a spec would write it, on one line; nulls inside are left out."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        given = {k: v for k, v in value.items() if v is not None}
        return str(given["kind"]) if list(given) == ["kind"] else "{" + options_in_words(given) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(value_in_words, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def options_in_words(values: Any) -> str:
    """Options with their values: `window: 512, bias: true`."""
    return ", ".join(f"{name}: {value_in_words(value)}" for name, value in values.items())
