"""Whether a published family can express a model: what its config would be read as, against what the model is."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from registry.assembly import assemble_block, resolve_block
from registry.canonical import canonical
from registry.catalog import Catalog
from registry.checkpoint_errors import CheckpointError
from registry.errors import SpecError, dotted

Path: typing.TypeAlias = tuple[str | int, ...]
KINDS = ("kind", "topology")
"""The keys under which a part says what it is."""
LAYERS = {"layers", "layer_types"}
TRAINING = ("init", "dropout", "dropout_on", "final_dropout", "pooler_dropout", "frozen")
"""Options that act in training alone: a family that has no word for them still expresses the model."""


def config_of(conversion: Any, full: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The config.json of a family for a full model block.

    Raises CheckpointError, naming every option, for a model that reading this config would not give back.
    """
    config: dict[str, Any] = conversion.config_json(canonical(full, catalog))
    try:
        again = resolve_block(conversion.spec(config), catalog)
    except (SpecError, CheckpointError) as error:
        raise CheckpointError(f"{conversion.name} cannot express this model: {error}") from None
    lines = [
        f"{dotted(path)} is {mine!r}, but would be read as {theirs!r}"
        for path, (mine, theirs) in differences(full, again, catalog).items()
    ]
    if lines:
        raise CheckpointError("\n  ".join([f"{conversion.name} cannot express this model", *lines]))
    return config


def differences(one: Mapping[str, Any], other: Mapping[str, Any], catalog: Catalog) -> dict[Path, tuple[Any, Any]]:
    """The options in which two full model blocks describe different models, with both values.

    A null is as good as the value that stands for it: blocks that differ in nulls alone, and are built alike, do not
    differ. Options of training are not compared.
    """
    mine, theirs = (dict(_leaves(canonical(block, catalog), ("model",))) for block in (one, other))
    found = {path: (mine.get(path), theirs.get(path)) for path in {**mine, **theirs}}
    found = {
        path: (a, b)
        for path, (a, b) in found.items()
        if a != b and not any(step in TRAINING for step in path) and not _inside_other_part(path, mine, theirs)
    }
    # names of types of layers are the user's own
    hard = {path: pair for path, pair in found.items() if None not in pair and not LAYERS & set(path)}
    if hard or not found:
        return hard
    try:
        with torch.device("meta"):
            same = _signature(assemble_block(one, catalog)) == _signature(assemble_block(other, catalog))
    except SpecError:
        same = False
    return {} if same else found


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, number))
    else:
        yield path, value


def _inside_other_part(path: Path, mine: Mapping[Path, Any], theirs: Mapping[Path, Any]) -> bool:
    """Whether a part around this leaf is of another kind, or absent, on one side: that says it all."""
    outer = [(*path[:end], key) for end in range(len(path)) for key in KINDS]
    return any(at != path and mine.get(at) != theirs.get(at) for at in outer)


def _signature(module: nn.Module) -> Any:
    """Equal for modules that are built alike: class, shapes, plain attributes, and the same of what is inside."""
    own = {k: v for k, v in vars(module).items() if not k.startswith("_") and _is_plain(v)}
    shapes = [(name, tuple(p.shape)) for name, p in module.named_parameters(recurse=False)]
    return type(module), shapes, own, [(name, _signature(child)) for name, child in module.named_children()]


def _is_plain(value: Any) -> bool:
    """Whether a value is a number, a word, or a list of such, as the number of each layer's position scheme."""
    return all(map(_is_plain, value)) if isinstance(value, list) else isinstance(value, int | float | str | None)
