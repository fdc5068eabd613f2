"""From a constructor's signature to the description of its options: plain data that can be cached and checked.

A type is described by a dict whose key `is` names it: bool, int, float, str, any, none, choice, list, map, union, part,
record.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from annotated_types import Ge, Gt, Le, Lt

from registry.part import Build, Caveat, MultipleOf, Need, Part, part_of
from registry.types import KeyOf, Matches, MetricOf
from registry.values import TypeInfo


def describe(part: Part) -> dict[str, Any]:
    """Everything that look-up and checking need to know of a part, as plain data."""
    target = part.target
    doc = inspect.getdoc(target) or ""
    dims, options = parameters(target, skip=part.fixed)
    return {
        "family": part.family,
        "kind": part.kind,
        "family_summary": _family_summary(target),
        "summary": part.about or _summary(doc),
        "doc": doc,
        "paper": part.paper,
        "module": part.module,
        "name": target.__qualname__,
        "dims": dims,
        "options": options,
        "fixed": dict(part.fixed),
        "kind_key": getattr(target, "kind_key", "kind"),
        "usage": getattr(target, "usage", ""),
        "reads": list(getattr(target, "reads", ())),
        "metrics": list(getattr(target, "metrics", ())),
        **facts(target),
    }


def _family_summary(target: Any) -> str:
    """What the family is, as the class that declares it says."""
    base = next((cls for cls in getattr(target, "__mro__", ()) if "family" in vars(cls)), None)
    return _summary(inspect.getdoc(base) or "")


def _summary(doc: str) -> str:
    return " ".join(doc.split("\n\n")[0].split())


def facts(target: Any) -> dict[str, Any]:
    """The declarations on the class: what it provides and in what sense, what it needs, the rules of its numbers."""
    needs: Sequence[Need] = getattr(target, "needs", ())
    rules: Sequence[MultipleOf] = getattr(target, "rules", ())
    caveats: Sequence[Caveat] = getattr(target, "caveats", ())
    return {
        "provides": sorted(getattr(target, "provides", ())),
        "needs": [dataclasses.asdict(n) for n in needs],
        "rules": [dataclasses.asdict(r) for r in rules],
        "caveats": [dataclasses.asdict(c) for c in caveats],
    }


def parameters(target: Callable[..., Any], skip: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Names of the dimensions, and the options in order. Raises TypeError on `*args`, `**kwargs`, or a bare option."""
    hints = hints_of(target)
    dims: list[str] = []
    options: list[dict[str, Any]] = []
    for name, p in inspect.signature(target).parameters.items():
        if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
            raise TypeError(f"{_name(target)}: a part takes no *args and no **kwargs: its signature is its schema")
        if p.kind is p.POSITIONAL_OR_KEYWORD:
            dims.append(name)
        elif name not in skip:
            options.append(_option(_name(target), name, hints.get(name), p.default))
    return dims, options


def hints_of(target: Callable[..., Any]) -> dict[str, Any]:
    """What a class's constructor, or a function, says of its parameters."""
    function = getattr(target, "__init__") if isinstance(target, type) else target  # noqa: B009 (mypy)
    return typing.get_type_hints(function, include_extras=True)


def _option(owner: str, name: str, hint: Any, default: Any) -> dict[str, Any]:
    if hint is None:
        raise TypeError(f"{owner}: option '{name}' has no annotation: its type is its schema")
    try:
        option = {"name": name, "type": type_info(hint)}
    except TypeError as error:
        raise TypeError(f"{owner}: option '{name}': {error}") from None
    if default is not inspect.Parameter.empty:
        option["default"] = plain(default)
    return option


def type_info(hint: Any) -> TypeInfo:
    """Describe an annotation. Raises TypeError for a type that a spec cannot express."""
    if hint is Any:
        return {"is": "any"}
    if hint is None or hint is type(None):
        return {"is": "none"}
    if hint in (bool, int, float, str):
        return {"is": hint.__name__}
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return {**type_info(args[0]), **_bounds(args[1:])}
    if origin is typing.Literal:
        return {"is": "choice", "values": list(args)}
    if origin in (typing.Union, types.UnionType):
        return _union([type_info(a) for a in args])
    if origin is list or origin is Sequence:
        return {"is": "list", "of": type_info(args[0])}
    if origin is dict or origin is Mapping:
        return {"is": "map", "of": type_info(args[1])}
    if origin is Build:
        return {"is": "part", "family": args[0].family}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        _, options = parameters(_keyword_only(hint), skip={})
        return {"is": "record", "name": hint.__name__, "doc": _record_doc(hint), "options": options, **facts(hint)}
    raise TypeError(f"a spec cannot express the type {hint!r}")


def _union(members: list[TypeInfo]) -> TypeInfo:
    """One of several types; choices become one, where the first stood, since all their values are of one sort."""
    values = [value for member in members if member["is"] == "choice" for value in member["values"]]
    found: list[TypeInfo] = []
    for member in members:
        if member["is"] != "choice":
            found.append(member)
        elif not any(one["is"] == "choice" for one in found):
            found.append({"is": "choice", "values": list(dict.fromkeys(values))})
    return found[0] if len(found) == 1 else {"is": "union", "of": found}


def _record_doc(record: type) -> str:
    doc = inspect.getdoc(record) or ""
    # what Python writes for a dataclass without a docstring is its signature
    return "" if doc.startswith(f"{record.__name__}(") else doc


def _keyword_only(record: type) -> Callable[..., Any]:
    """A record's fields are all options, however its constructor takes them."""

    def signature_of_record() -> None: ...

    hints = typing.get_type_hints(record, include_extras=True)
    fields = [f for f in dataclasses.fields(record) if f.init]
    signature_of_record.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=_field_default(f)) for f in fields]
    )
    signature_of_record.__annotations__ = {f.name: hints[f.name] for f in fields}
    signature_of_record.__qualname__ = record.__qualname__
    return signature_of_record


def _field_default(of: dataclasses.Field[Any]) -> Any:
    if of.default is not dataclasses.MISSING:
        return of.default
    if of.default_factory is not dataclasses.MISSING:
        return of.default_factory()
    return inspect.Parameter.empty


def _bounds(marks: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for mark in marks:
        match mark:
            case Ge():
                found["ge"] = mark.ge
            case Gt():
                found["gt"] = mark.gt
            case Le():
                found["le"] = mark.le
            case Lt():
                found["lt"] = mark.lt
            case Matches():
                found |= {"pattern": mark.pattern, "about": mark.about}
            case KeyOf():
                found["key_of"] = mark.name
            case MetricOf():
                found["metric_of"] = mark.slot
            case dict():
                found |= mark
    return found


def plain(value: Any) -> Any:
    """A default value as a spec would write it: a class becomes the block that names it."""
    if isinstance(value, functools.partial | type):
        target, options = (value, {}) if isinstance(value, type) else (value.func, value.keywords)
        part = part_of(target, options)
        if part is None:
            raise TypeError(f"default {_name(target)} is not a declared part")
        return {"kind": part.kind, **{k: plain(v) for k, v in options.items() if k not in part.fixed}}
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    return value


def _name(target: Any) -> str:
    return str(getattr(target, "__qualname__", target))
