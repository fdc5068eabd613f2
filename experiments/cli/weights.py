"""What the commands about weights share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torch import nn


def demand_new(folder: Path) -> None:
    """Raise UsageError, before anything is read, unless a new folder can be made there."""
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is a file; name a new folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; name a new folder, or remove it first")


def has_weights(folder: Path) -> bool:
    """Whether a folder is a model's own, not that of a run, which keeps its weights in checkpoints."""
    names = ("model.safetensors", "model.safetensors.index.json")
    return not (folder / "checkpoints").is_dir() and any((folder / name).is_file() for name in names)


BESIDE = (
    "generation_config.json",
    "labels.json",
    "merges.txt",
    "preprocessor_config.json",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
"""Files beside published weights that say how inputs are made."""


def copy_beside(source: Path, target: Path) -> str:
    """Copy what says how a model's inputs are made; what was copied, in words, or nothing."""
    found = [name for name in BESIDE if (source / name).is_file()]
    for name in found:
        shutil.copyfile(source / name, target / name)
    return f" with {', '.join(found)}" if found else ""


def told(model: nn.Module) -> str:
    """A model in a few words."""
    from experiments.results.words import count
    from registry.part import part_of

    part = part_of(type(model))
    parameters = list(model.parameters())
    kinds = sorted({str(p.dtype).removeprefix("torch.") for p in parameters})
    name = type(model).__name__ if part is None else part.kind
    return f"{name}, {count(sum(p.numel() for p in parameters))} parameters, {', '.join(kinds)}"
