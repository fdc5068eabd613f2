"""A toy language model with dropout, and the parts of a toy trial, for tests and the processes that they start."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from experiments.data import Text
from experiments.optimizers import AdamW
from experiments.schedules import WarmupCosine
from experiments.tasks import CausalLM
from experiments.training.places import Place
from experiments.training.trial import Parts, exit_code, run_trial

SIGNALS: list[tuple[int, int]] = []
"""(call, signal) pairs: signals that the process sends itself while the model is at that training call."""


class ToyModel(nn.Module):
    """Knows the token before; `poison` turns its output to NaN from a call on, counted from 1."""

    def __init__(self, vocab: int, width: int = 8, dropout: float = 0.2, poison: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.inner = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, vocab)
        self.poison = poison
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, tokens: Tensor, valid: Tensor | None = None) -> Tensor:
        if self.training:
            self.calls += 1
            for call, signum in SIGNALS:
                if call == int(self.calls):
                    os.kill(os.getpid(), signum)
        out = self.head(self.dropout(torch.tanh(self.inner(self.embedding(tokens)))))
        return out * torch.nan if self.poison and self.calls >= self.poison else out


def toy_parts(spec: dict[str, Any]) -> Parts:
    """What `run_trial` asks for; `model` in the spec holds ToyModel's options."""
    options = {k: v for k, v in spec["data"].items() if k != "kind"}
    data = Text(spec["seed"], **options)
    model = ToyModel(data.vocab, **spec.get("model", {}))
    return Parts(data, CausalLM(model, data, AdamW(lr=1e-2), WarmupCosine(warmup=3)))


def run_and_exit(spec: dict[str, Any], folder: Path, signals: list[tuple[int, int]]) -> None:
    """Body of a child process: a toy trial, its end as exit code; 99 when stopped at once."""
    torch.set_num_threads(1)
    SIGNALS.extend(signals)
    sys.exit(exit_code(run_trial(spec, folder, build_parts=toy_parts)))


def run_rank_and_exit(
    spec: dict[str, Any],
    folder: Path,
    rank: int,
    world: int,
    port: int,
    signals: list[tuple[int, int]],
    until: int | None = None,
) -> None:
    """Body of one of several child processes that train a toy trial together; its end as exit code."""
    SIGNALS.extend(signals)
    place = Place(rank, world, rank, 0, "127.0.0.1", port)
    sys.exit(exit_code(run_trial(spec, folder, build_parts=toy_parts, place=place, until=until)))
