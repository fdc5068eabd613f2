"""Weights copied into a model before its training begins, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from blocks.position import Position
from experiments.data.base import Data
from experiments.results.words import times
from experiments.start.match import ADAPTER, Match, Move, match, plain
from experiments.start.options import InitFrom, start_of
from experiments.start.source import Source, read_source
from experiments.start.vocabulary import Vocabulary, copy_rows, vocabulary_of
from registry.checkpoint_errors import folded
from registry.errors import Problem, SpecError
from registry.state import owned


@dataclass(frozen=True)
class Report:
    """What came of an `init_from`: names of tensors, layers that are alike as one. path: as the spec says it.

    resized: how many rows, or positions, were taken over. frozen: weights that are kept still, without adapters.
    """

    path: str
    source: str
    content: str
    loaded: list[str]
    new: list[str]
    left: list[str]
    resized: dict[str, str] = field(default_factory=dict)
    frozen: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        """All of it in a line."""
        words = [f"{times(self.counts['loaded'], 'tensor')} loaded"]
        words += [f"{self.counts[name]} {name}" for name in ("new", "left", "resized", "frozen") if self.counts[name]]
        new = f"; new: {', '.join(self.new[:4])}{', ...' if len(self.new) > 4 else ''}" if self.new else ""
        return f"starts from {self.source}: {', '.join(words)}{new}"

    def plain(self) -> dict[str, Any]:
        """As data that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class Start:
    """Fills a model from what its full spec names, where nothing is resumed. plugins: with parts of the source."""

    full: Mapping[str, Any]
    plugins: Sequence[str | Path] = ()

    def fill(self, model: nn.Module, data: Data) -> Report:
        """Copy the weights. data: prepared. Raises SpecError where the source has changed since it was planned."""
        start = start_of(self.full)
        assert start is not None
        source = read_source(start.path, self.plugins)
        if start.content not in (None, source.content):
            words = f"{source.about} is not what it was when this was planned ({source.content}, not {start.content})"
            raise SpecError([Problem("init_from", f"{words}; without `content`, it is taken as it is now")])
        if self.full.get("trainer", {}).get("precision") == "64-true":
            # before anything is rounded
            model.double()
        found = match(model, source.model, start)
        resized = fill(model, source, found, start, vocabulary_of(data.tokenizer))
        return _report(model, source, found, resized, start)


@torch.no_grad()
def fill(model: nn.Module, source: Source, found: Match, start: InitFrom, vocabulary: Vocabulary) -> dict[str, str]:
    """Copy the tensors; returns those that became more or fewer rows, with how. vocabulary: of the model."""
    mine, theirs = owned(model), source.model.state_dict()
    resized: dict[str, str] = {}
    for name, move in found.moves.items():
        new, old = mine[name], theirs[move.source]
        match move.how:
            case "whole":
                new.copy_(old)
            case "rows":
                count = copy_rows(new, old, vocabulary, source.vocabulary)
                resized[name] = f"{count} of {len(new)} rows"
            case "positions":
                resized[name] = _positions(model, source.model, name, move, start)
    return resized


def _positions(model: nn.Module, source: nn.Module, name: str, move: Move, start: InitFrom) -> str:
    place, other = (text.rpartition(".")[0].rpartition(".")[0] for text in (name, move.source))
    scheme, learned = model.get_submodule(place), source.get_submodule(other)
    assert isinstance(scheme, Position)
    assert isinstance(learned, Position)
    assert start.positions is not None
    try:
        scheme.stretch(learned, start.positions)
    except ValueError as error:
        raise SpecError([Problem("init_from.positions", str(error))]) from None
    return f"{start.positions}, from {len(source.state_dict()[move.source])} rows to {len(owned(model)[name])}"


def _report(model: nn.Module, source: Source, found: Match, resized: Mapping[str, str], start: InitFrom) -> Report:
    frozen = [plain(n) for n, p in model.named_parameters() if not p.requires_grad and ADAPTER not in n]
    counts = {
        "loaded": len(found.moves),
        "new": len(found.new),
        "left": len(found.left),
        "resized": len(resized),
        "frozen": len(frozen),
    }
    return Report(
        path=start.path,
        source=source.about,
        content=source.content,
        loaded=folded(map(plain, found.moves)),
        new=folded(map(plain, found.new)),
        left=folded(found.left),
        resized={plain(name): how for name, how in resized.items()},
        frozen=folded(frozen),
        counts=counts,
    )
