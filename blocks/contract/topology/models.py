"""A whole model as the contract uses it."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import Tensor

from blocks.attention import Attention
from blocks.contract.check import Condition
from blocks.contract.compare import MOVED
from blocks.contract.subject import Subject
from blocks.topology import Output, Topology

N = 8
"""Number of tokens, unless a check needs more."""


def takes(argument: str) -> Condition:
    """Models whose `forward` has this argument."""
    return lambda subject: argument in inspect.signature(subject.target.forward).parameters  # type: ignore[attr-defined]


def reads_source(subject: Subject) -> bool:
    """Models with a second stream."""
    return "source" in subject.provides


def predicts(subject: Subject) -> bool:
    """Models that predict the next token."""
    return "next token" in subject.provides


def lacking(model: Topology, word: str) -> bool:
    """Whether some attention over the model's own tokens does not provide this."""
    stacks = [m for m in model.modules() if isinstance(m, Attention)]
    return any(word not in m.provides for m in stacks)


def draw(subject: Subject, b: int, n: int = N) -> Tensor:
    """Token ids [b n]."""
    return torch.randint(subject.options["vocab"], (b, n))


def run(
    model: Topology, subject: Subject, ids: Tensor, *, source: Tensor | None = None, **given: Tensor | None
) -> Output:
    """The model on ids [b n]; one that reads a source gets the same one in every row, unless it is given."""
    if reads_source(subject):
        if source is None:
            source = torch.arange(5, device=ids.device).expand(len(ids), -1) % subject.options["vocab"]
        given = {**given, "source": source}
    return model.run(ids, **given)  # type: ignore[no-any-return, operator]


def dependence(out_of: Callable[[Tensor], Tensor], ids: Tensor, vocab: int, threshold: float = MOVED) -> Tensor:
    """Which vectors of the output change with one token: bool [i j], output i on token j. ids: [1 n]."""
    n = ids.shape[1]
    rows, each = ids.repeat(n + 1, 1), torch.arange(n)
    rows[each, each] = (rows[each, each] + 1 + torch.randint(vocab - 1, (n,))) % vocab
    out = out_of(rows)
    base = out[n:]
    size = max(1.0, float(base.abs().max()))
    return ~((out[:n] - base).abs().amax(-1) <= threshold * size).T


def padded(rows: list[Tensor], *, left: bool) -> tuple[Tensor, Tensor]:
    """Rows of ids [n] of different lengths in one batch [b n], padded with token 0; and which tokens are real."""
    longest = max(len(row) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    valid = torch.zeros(len(rows), longest, dtype=torch.bool)
    for number, row in enumerate(rows):
        place = slice(longest - len(row), None) if left else slice(0, len(row))
        ids[number, place], valid[number, place] = row, True
    return ids, valid
