"""Separate streams of random numbers, all derived from one seed.

Initialisation, data order and dropout each have their own, so two variants with one seed see the same batches in the
same order whatever their number of parameters, and drawing more of one never shifts another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Stream = Literal["initialisation", "order", "dropout"]


def stream_seed(seed: int, stream: Stream, *index: int) -> int:
    """The seed of one stream, or of one numbered piece of it; 63 bits."""
    text = ":".join(map(str, (seed, stream, *index)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, stream: Stream, *index: int) -> torch.Generator:
    """A fresh CPU generator at the start of a stream."""
    return torch.Generator().manual_seed(stream_seed(seed, stream, *index))


@contextmanager
def initialisation(seed: int) -> Iterator[None]:
    """Inside, torch draws from the initialisation stream; afterwards the caller's random state is as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(stream_seed(seed, "initialisation"))
        yield
