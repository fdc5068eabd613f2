"""Weights to start from, read: a model with them, where its vocabulary ends, and the hash of its content."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from experiments.data.base import Data
from experiments.start.find import Found, find_source
from experiments.start.merging import merged
from experiments.start.vocabulary import UNKNOWN, Vocabulary, vocabulary_of
from experiments.training.checkpoint_io import BEST, model_state, newest, read_checkpoint
from registry import build
from registry.assembly import builder, resolve_block
from registry.catalog import Catalog, UnknownKind
from registry.errors import Problem, SpecError
from registry.filling import empty_model, filled
from registry.pretrained import load_pretrained
from registry.state import owned


@dataclass(frozen=True)
class Source:
    """What a training starts from.

    about: for people. tokenizer: the block of the run's, where its file is not beside the weights.
    """

    model: nn.Module
    about: str
    content: str
    vocabulary: Vocabulary = UNKNOWN
    tokenizer: Mapping[str, Any] | None = None


def read_source(name: str, plugins: Sequence[str | Path] = ()) -> Source:
    """The weights that an `init_from` names. Raises SpecError, CheckpointError, ValueError for what cannot be read."""
    found = find_source(name)
    catalog = Catalog.load(plugins)
    vocabulary, tokenizer = UNKNOWN, None
    if found.kind == "weights":
        model, about = load_pretrained(found.path, plugins=plugins), str(found.path)
    else:
        path, checkpoint = _checkpoint(found)
        spec = checkpoint.get("spec") or {}
        if "model" not in spec or "state_dict" not in checkpoint:
            raise SpecError([Problem("init_from", f"{path} is no checkpoint of a run: it says nothing of its model")])
        model = _model(path, spec, checkpoint, catalog)
        about = f"{found.path} (step {checkpoint.get('global_step')})"
        vocabulary = _vocabulary(spec, found.home, catalog)
        tokenizer = None if found.tokenizer_file else (spec.get("data") or {}).get("tokenizer")
    return Source(model, about, content_of(model, found.tokenizer_file), vocabulary, tokenizer)


def look_at(name: str, plugins: Sequence[str | Path] = ()) -> Source:
    """The same without the weights: shapes alone, as a plan needs them; kept while the files stay as they are."""
    found = find_source(name)
    return _seen(name, tuple(map(str, plugins)), _state_of(found))


@functools.lru_cache(maxsize=8)
def _seen(name: str, plugins: tuple[str, ...], state: tuple[Any, ...]) -> Source:
    source = read_source(name, plugins)
    return replace(source, model=source.model.to("meta"))


def _state_of(found: Found) -> tuple[Any, ...]:
    """What changes when the files of a source do."""
    folder = found.path / "checkpoints" if found.kind == "run" else found.path
    files = [folder] if folder.is_file() else sorted(folder.glob("*"))
    return (found.path, *((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files))


def _checkpoint(found: Found) -> tuple[Path, dict[str, Any]]:
    if found.kind == "checkpoint":
        return found.path, read_checkpoint(found.path)
    best = found.path / "checkpoints" / BEST
    if best.is_file():
        return best, read_checkpoint(best)
    other = newest(found.path / "checkpoints")
    if other is None:
        raise SpecError([Problem("init_from", f"{found.path}: nothing has been saved yet")])
    return other


def _model(path: Path, spec: dict[str, Any], checkpoint: dict[str, Any], catalog: Catalog) -> nn.Module:
    state = merged(model_state(checkpoint), spec)
    try:
        block = resolve_block(spec["model"], catalog)
    except UnknownKind as unknown:
        words = f"{path}: {unknown.args[0]} If it is a part of your own, name its file by --plugin"
        raise SpecError([Problem("init_from", words)]) from None
    dtype = next((t.dtype for t in state.values() if t.is_floating_point()), torch.float32)
    model = empty_model(block, catalog, dtype)
    return filled(model, ((name, state[name]) for name in owned(model)), dtype)


def _vocabulary(spec: dict[str, Any], home: Path, catalog: Catalog) -> Vocabulary:
    """The run's own; unknown where its data have no tokens."""
    if spec.get("data") is None:
        return UNKNOWN
    # nothing is read for it
    data: Data = build(builder(spec["data"], "data", catalog), seed=spec["seed"])
    if data.tokenizer is not None:
        data.tokenizer.load(home)
    return vocabulary_of(data.tokenizer)


def content_of(model: nn.Module, tokenizer: Path | None = None) -> str:
    """A hash of what a model is and of its weights, and of the tokenizer file beside them; 16 hexadecimal digits."""
    found = hashlib.sha256(json.dumps(getattr(model, "spec", None), sort_keys=True, default=str).encode())
    for name, tensor in sorted(owned(model).items()):
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        found.update(_bytes(tensor))
    if tokenizer is not None:
        found.update(tokenizer.read_bytes())
    return found.hexdigest()[:16]


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
