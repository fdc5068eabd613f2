"""What a part is: how one is declared, looked up and built.

A part is a class (or a preset of one) with a family and a kind. Its constructor is its schema: parameters that may be
passed by position are *dimensions*, supplied by whoever builds it; keyword-only ones are *options*, set by a spec.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Build(Protocol[T_co]):
    """Something that builds a part: a class, a partial of one, or a block of a spec.

    Call it through `build`, which passes only the dimensions that it names.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> T_co: ...


@dataclass(frozen=True)
class Need:
    """What a part asks of the part in another slot of the same spec.

    slot: name of the option that holds the other part, seen from this part's block outwards; dotted to look inside.
    capability: a word that must be among the other part's `provides`.
    because: the reason, for the message.
    when: the need exists only if these options have these values; a value of "*" means anything but null or false.
    """

    slot: str
    capability: str
    because: str = ""
    when: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MultipleOf:
    """A rule between two numbers of a spec: `value` must be a multiple of `of` (a dimension, an option or a number).

    when: the rule exists only if these options have these values.
    """

    value: str
    of: str | int
    because: str = ""
    when: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Caveat:
    """What a user must know of a part that provides something in a sense only; told where another part needs it.

    capability: a word of the part's `provides`. words: a clause that follows the part's name.
    when: the caveat exists only if these options have these values.
    """

    capability: str
    words: str
    when: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A registered part: `target(**dimensions, **fixed, **options)` builds it. module: where it is declared."""

    family: str
    kind: str
    target: Callable[..., Any]
    paper: str = ""
    about: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    module: str = ""


_PARTS: dict[tuple[str, str], Part] = {}
_BY_MODULE: dict[str, dict[tuple[str, str], Part]] = {}


def part(family: str, kind: str, *, paper: str = "") -> Callable[[type[T]], type[T]]:
    """Declare a class as the part `kind` of `family`. `paper` is its source: authors, year, number, section.

    Raises ValueError for a class whose base is of another family.
    """

    def declare(cls: type[T]) -> type[T]:
        if (own := getattr(cls, "family", family)) != family:
            raise ValueError(f"{family} '{kind}': {cls.__name__} is of the family '{own}'")
        _add(Part(family, kind, cls, paper, module=cls.__module__))
        return cls

    return declare


def preset(family: str, kind: str, target: type, about: str, *, paper: str = "", **fixed: Any) -> None:
    """Declare `kind` as the class `target` with some options fixed; the rest stay open to specs."""
    # the module that calls, since the class may be another's
    module: str = sys._getframe(1).f_globals["__name__"]
    _add(Part(family, kind, target, paper, about, fixed, module))


PLUGIN_PREFIX = "swapformer_plugin_"
"""How the modules of plug-in files are named."""


def _add(new: Part) -> None:
    old = _PARTS.get((new.family, new.kind))
    # between two plug-ins the catalog decides, which knows the ones that the user named together
    plugins = old is not None and all(part.module.startswith(PLUGIN_PREFIX) for part in (old, new))
    if old is not None and _home(old) != _home(new) and not plugins:
        raise ValueError(f"{new.family} '{new.kind}' is declared twice: in {_home(old)} and in {_home(new)}")
    _PARTS[new.family, new.kind] = new
    _BY_MODULE.setdefault(new.module, {})[new.family, new.kind] = new


def _home(of: Part) -> str:
    # by file, because one file may be imported both as a module and as a plug-in
    file = getattr(sys.modules.get(of.module), "__file__", None)
    return f"{file or of.module}: {of.target.__qualname__}"


def declared() -> Mapping[tuple[str, str], Part]:
    """Every part declared by the modules imported so far."""
    return _PARTS


def declared_in(module: str) -> Mapping[tuple[str, str], Part]:
    """The parts that one module declares; it must have been imported."""
    return _BY_MODULE.get(module, {})


def part_of(target: Callable[..., Any], options: Mapping[str, Any] | None = None) -> Part | None:
    """The declaration behind a class, or of the preset that fixes the most of these `options`; None for a stranger."""
    given = (options or {}).items()
    fitting = [p for p in _PARTS.values() if p.target is target and p.fixed.items() <= given]
    return max(fitting, key=lambda p: len(p.fixed), default=None)


@dataclass(frozen=True)
class Builder:
    """A part together with its options, waiting for dimensions."""

    target: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *args: Any, **dims: Any) -> Any:
        return self.target(*args, **dims, **self.options)


@functools.lru_cache(maxsize=4096)
def dimensions(target: Callable[..., Any]) -> tuple[tuple[str, bool], ...]:
    """Names of the parameters that `target` takes by position, each with whether it must be given."""
    return tuple(
        (name, p.default is p.empty)
        for name, p in inspect.signature(target).parameters.items()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    )


def build(builder: Build[T], **dims: Any) -> T:
    """Build a part, passing of `dims` just those that its signature names.

    Raises TypeError when a dimension that it must have is not among them.
    """
    target, options = _unwrap(builder)
    wanted = dimensions(target)
    missing = [name for name, required in wanted if required and name not in dims and name not in options]
    if missing:
        raise TypeError(f"{getattr(target, '__name__', target)} needs the dimension {', '.join(missing)}")
    return target(**{name: dims[name] for name, _ in wanted if name in dims and name not in options}, **options)


def _unwrap(builder: Callable[..., Any]) -> tuple[Callable[..., Any], Mapping[str, Any]]:
    if isinstance(builder, Builder):
        return builder.target, builder.options
    if isinstance(builder, functools.partial) and not builder.args:
        return builder.func, builder.keywords
    return builder, {}
