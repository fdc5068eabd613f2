"""From a full spec to modules."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.catalog import Catalog
from registry.check import check
from registry.compose import Composed, compose
from registry.errors import Problem, SpecError, dotted
from registry.part import Build, Builder, build
from registry.resolve import Resolver
from registry.signature import hints_of, type_info
from registry.values import fits

if TYPE_CHECKING:
    from torch import nn


def assemble(spec: str | Path | Mapping[str, Any], *, plugins: Sequence[str | Path] = (), **given: Any) -> nn.Module:
    """Build the model that a spec describes.

    spec: a YAML file, the name of a spec that ships (bert-base), or a dict; its `model:` block, or a bare model block.
    plugins: files or modules with parts of your own. given: options of the model that the spec leaves open, such as
    `vocab`. `model(tokens)` gives logits. Raises SpecError with every problem of the spec.
    """
    catalog = Catalog.load(plugins)
    composed = compose(spec)
    bare = "model" not in composed.value and "topology" in composed.value
    path: tuple[str, ...] = () if bare else ("model",)
    block = composed.value if bare else composed.value.get("model")
    if block is None:
        raise SpecError([Problem("", "the spec has no `model:`", composed.place(()))])
    if isinstance(block, Mapping):
        block = {**block, **{k: v for k, v in given.items() if block.get(k) is None}}
    return assemble_block(resolve_model(block, catalog, composed, path), catalog, path)


def resolve_model(block: Any, catalog: Catalog, composed: Composed, path: tuple[str, ...]) -> dict[str, Any]:
    """The full form of a model block. Raises SpecError with every problem."""
    resolver = Resolver(catalog, composed)
    full = resolver.resolve(block, {"is": "part", "family": "topology"}, path)
    if not resolver.problems:
        entry = catalog.get("topology", full["topology"])
        shifted = _Shifted(composed, path)
        resolver.problems += [
            dataclasses.replace(p, path=dotted((*path, p.path)) if p.path else dotted(path))
            for p in check(full, entry, catalog, shifted)
        ]
    if resolver.problems:
        raise SpecError(resolver.problems)
    return typing.cast(dict[str, Any], full)


def resolve_block(block: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The full form of a model block that comes from Python. Raises SpecError with every problem."""
    return resolve_model(dict(block), catalog, compose({"model": dict(block)}), ("model",))


class _Shifted:
    """Places of a block that stands inside a larger spec."""

    def __init__(self, places: Composed, path: tuple[str, ...]) -> None:
        self.places, self.path = places, path

    def place(self, path: tuple[str | int, ...]) -> Any:
        return self.places.place((*self.path, *path))

    def key_place(self, path: tuple[str | int, ...]) -> Any:
        return self.places.key_place((*self.path, *path))


def assemble_block(full: Mapping[str, Any], catalog: Catalog, path: tuple[str, ...] = ("model",)) -> nn.Module:
    """Build the model of a full block, which it keeps as `spec`. Raises SpecError when a part refuses its options."""
    try:
        model = typing.cast("nn.Module", build(builder(full, "topology", catalog)))
    except (ValueError, TypeError) as error:
        raise SpecError([Problem(dotted(path), str(error))]) from error
    # what `save_pretrained` writes beside the weights
    model.spec = dict(full)  # type: ignore[assignment]
    return model


def dry_run(full: Mapping[str, Any], catalog: Catalog, path: tuple[str, ...] = ("model",)) -> nn.Module:
    """Build the model of a full block on the meta device, where nothing is computed, and run it on a few lengths.

    Raises SpecError with what a part refuses or cannot do.
    """
    import torch

    with torch.device("meta"):
        model: Any = assemble_block(full, catalog, path)
        model.eval()
        for length in _DRY_LENGTHS:
            try:
                model(**model.example(2, length))
            except Exception as error:
                words = " ".join(str(error).split()) or type(error).__name__
                message = f"a forward pass over {length} tokens failed: {words}"
                raise SpecError([Problem(dotted(path), message)]) from error
    return typing.cast("nn.Module", model)


_DRY_LENGTHS = (1, 3, 20)


def builder(block: Mapping[str, Any], family: str, catalog: Catalog) -> Builder:
    """What builds the part of a full block, given its dimensions."""
    key = catalog.kind_key(family)
    part = catalog.part(family, block[key])
    hints = hints_of(part.target)
    options = {k: _convert(v, hints[k], catalog) for k, v in block.items() if k != key}
    return Builder(part.target, {**part.fixed, **options})


def _convert(value: Any, hint: Any, catalog: Catalog) -> Any:
    """A plain value as the Python object that its annotation asks for."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if value is None or hint is Any:
        return value
    if origin is typing.Annotated:
        return _convert(value, args[0], catalog)
    if origin is Build:
        return builder(value, args[0].family, catalog)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        return hint(**{k: _convert(v, hints[k], catalog) for k, v in value.items()})
    if origin in (typing.Union, types.UnionType):
        return _convert(value, _alternative(value, args), catalog)
    if origin in (list, Sequence) and isinstance(value, list):
        return [_convert(v, args[0], catalog) for v in value]
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        return {k: _convert(v, args[1], catalog) for k, v in value.items()}
    return value


def _alternative(value: Any, alternatives: Sequence[Any]) -> Any:
    """The member of a union that a checked value belongs to."""
    return next(a for a in alternatives if fits(value, type_info(a)))
