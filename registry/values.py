"""Single values against the type of their option: pydantic decides, strictly; the words of a refusal are ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from registry.errors import quoted

TypeInfo = Mapping[str, Any]

LEAVES = frozenset({"bool", "int", "float", "str", "choice", "any", "none"})


def accepts(value: Any, type_: TypeInfo) -> bool:
    """Whether a leaf type takes the value, strictly: 1 is not true, "1" no number; no NaN and no infinity."""
    key = repr(type_)
    if key not in _ADAPTERS:
        _ADAPTERS[key] = _adapter(type_)
    return _ADAPTERS[key].validator.isinstance_python(value)


# by the type as text: a sweep asks for the same few types thousands of times
_ADAPTERS: dict[str, Any] = {}


def _adapter(type_: TypeInfo) -> Any:
    # imported late: a command that checks no spec does not wait for it
    from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, TypeAdapter

    bounds = {name: type_[name] for name in ("ge", "gt", "le", "lt") if name in type_}
    match type_["is"]:
        case "bool":
            return TypeAdapter(StrictBool)
        case "int":
            return _bounded(StrictInt, Field(**bounds))
        case "float":
            return _bounded(StrictFloat | StrictInt, Field(allow_inf_nan=False, **bounds))
        case "str":
            pattern = type_.get("pattern")
            return TypeAdapter(StrictStr) if pattern is None else _bounded(StrictStr, Field(pattern=f"^(?:{pattern})$"))
        case "none":
            return TypeAdapter(None)
        case "choice":
            return _choice(type_["values"])
        case _:
            return TypeAdapter(object)


def _bounded(base: Any, field: Any) -> Any:
    from typing import Annotated

    from pydantic import TypeAdapter

    return TypeAdapter(Annotated[base, field])


def _choice(values: list[Any]) -> Any:
    from typing import Literal

    from pydantic import TypeAdapter

    return TypeAdapter(Literal[tuple(values)])  # type: ignore[arg-type]


def expected(type_: TypeInfo) -> str:
    """The type in words: 'a whole number >= 1'."""
    match type_["is"]:
        case "bool":
            return "true or false"
        case "int":
            return f"a whole number{_range(type_)}"
        case "float":
            return f"a number{_range(type_)}"
        case "str":
            return f"text ({type_['about']})" if "about" in type_ else "text"
        case "none":
            return "null"
        case "choice":
            values = ", ".join(map(str, type_["values"]))
            return f"one of {values}" if len(type_["values"]) > 1 else values
        case "list":
            return f"a list, each item {expected(type_['of'])}"
        case "map":
            return f"a mapping of names, each {expected(type_['of'])}"
        case "record":
            return f"a mapping with {', '.join(o['name'] for o in type_['options'])}"
        case "part":
            return f"a kind of {type_['family']}, or a mapping with its options"
        case "union":
            return ", or ".join(dict.fromkeys(expected(t) for t in type_["of"]))
        case _:
            return "any value"


def _range(type_: TypeInfo) -> str:
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    # an upper bound that only keeps out absurd numbers is not worth a word
    shown = [f"{signs[k]} {type_[k]:g}" for k in signs if k in type_ and abs(type_[k]) < 1e9]
    return f" {' and '.join(shown)}" if shown else ""


def shown(value: Any) -> str:
    """A value for a message, short."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing (null)"
    return quoted(value) if isinstance(value, str) else quoted(json.dumps(value)).strip("'")


def fits(value: Any, type_: TypeInfo) -> bool:
    """Whether a value is of the sort that a type speaks about, right or wrong: decides between alternatives."""
    match type_["is"]:
        case "none":
            return value is None
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "str":
            return isinstance(value, str)
        case "choice":
            return any(type(value) is type(v) for v in type_["values"])
        case "list":
            return isinstance(value, list)
        case "map" | "record":
            return isinstance(value, Mapping)
        case "part":
            return isinstance(value, str | Mapping)
        case "union":
            return any(fits(value, t) for t in type_["of"])
        case _:
            return True
