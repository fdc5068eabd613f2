"""What processes of the tests of training do: toy trials that die where they are told to, or find no room."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any

import torch
from toy import run_and_exit

from blocks.attention import TransformerXLAttention
from blocks.position import TransformerXL
from blocks.topology import Decoder
from experiments.crash import VARIABLE
from experiments.data import Text
from experiments.optimizers import AdamW
from experiments.schedules import WarmupCosine
from experiments.tasks import CausalLM
from experiments.training.trial import Parts, exit_code, run_trial


def crash(spec: dict[str, Any], folder: Path, where: str, temporary: str | None = None) -> None:
    """A toy trial that dies at a crash point, with TMPDIR set if given."""
    os.environ[VARIABLE] = where
    if temporary is not None:
        os.environ["TMPDIR"] = temporary
    run_and_exit(spec, folder, [])


def with_small_files(spec: dict[str, Any], folder: Path, most: int) -> None:
    """A toy trial whose files cannot grow beyond so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    run_and_exit(spec, folder, [])


def with_little_memory(spec: dict[str, Any], folder: Path, more_mb: int) -> None:
    """A toy trial that may hold so much more memory than its process does."""
    words = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    most = (int(words["VmData"].split()[0]) << 10) + (more_mb << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    run_and_exit(spec, folder, [])


def remembering_parts(spec: dict[str, Any]) -> Parts:
    """A model that carries a memory from batch to batch."""
    data = Text(spec["seed"], **{k: v for k, v in spec["data"].items() if k != "kind"})
    model = Decoder(
        dim=16,
        layers=2,
        heads=2,
        vocab=data.vocab,
        attention=lambda dim, heads: TransformerXLAttention(dim, heads, memory=12, dropout=0.1),
        position=TransformerXL,
        dropout=0.2,
    )
    return Parts(data, CausalLM(model, data, AdamW(lr=1e-2), WarmupCosine(warmup=2)))


def remember_and_exit(spec: dict[str, Any], folder: Path, where: str | None) -> None:
    """A trial of that model; its end as exit code."""
    torch.set_num_threads(1)
    if where is not None:
        os.environ[VARIABLE] = where
    sys.exit(exit_code(run_trial(spec, folder, build_parts=remembering_parts)))
