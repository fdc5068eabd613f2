"""The situations in which an attention kind is tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from blocks.attention import Attention
from blocks.attention.cache import Cache
from blocks.contract.probes import HOOKS, probe
from blocks.contract.subject import Subject
from blocks.coords import Coords
from blocks.masks import Causal, Full, Mask
from blocks.position import Position

N = 9
"""Number of tokens, unless a check needs more."""


def directions(subject: Subject) -> list[Mask]:
    """Visibility without and with the future, as far as the kind declares them."""
    known: dict[str, Mask] = {"bidirectional": Full(), "causal": Causal()}
    return [mask for word, mask in known.items() if word in subject.provides]


def schemes(subject: Subject, attention: Attention) -> list[Position | None]:
    """No position scheme, and one for each hook that the kind declares."""
    mine = [hook for hook in HOOKS if hook in subject.provides]
    return [None, *(probe(hook, attention.heads, attention.head_dim) for hook in mine)]


def situations(subject: Subject, attention: Attention) -> Iterator[tuple[Mask, Position | None]]:
    """Every direction with every scheme."""
    for mask in directions(subject):
        for position in schemes(subject, attention):
            yield mask, position


def named(mask: Mask, position: Position | None) -> str:
    """For messages."""
    scheme = "no position scheme" if position is None else f"a scheme that uses '{', '.join(sorted(position.hooks))}'"
    return f"{mask} and {scheme}"


def draw(subject: Subject, b: int, n: int) -> Tensor:
    """Tokens [b n m]."""
    return torch.randn(b, n, subject["dim"], dtype=torch.float64)


def padded(rows: Sequence[Tensor], *, left: bool) -> tuple[Tensor, Tensor]:
    """Rows [n m] of different lengths in one batch [b n m], with loud numbers as padding; and which tokens are real."""
    longest = max(len(row) for row in rows)
    x = 1e4 * torch.randn(len(rows), longest, rows[0].shape[1], dtype=rows[0].dtype)
    valid = torch.zeros(len(rows), longest, dtype=torch.bool)
    for number, row in enumerate(rows):
        place = slice(longest - len(row), None) if left else slice(0, len(row))
        x[number, place], valid[number, place] = row, True
    return x, valid


def decode(
    attention: Attention,
    x: Tensor,
    sizes: Sequence[int],
    position: Position | None,
    *,
    valid: Tensor | None = None,
    cache: Cache | None = None,
    start: int = 0,
) -> tuple[Tensor, Cache]:
    """Feed x [b n m] in pieces of these sizes, the last repeated; coordinates count as a model's decode state does."""
    cache = attention.new_cache() if cache is None else cache
    outs, offset, done = [], None, 0
    pending = list(sizes)
    while done < x.shape[1]:
        size = min(pending.pop(0) if len(pending) > 1 else pending[0], x.shape[1] - done)
        here = slice(done, done + size)
        real = None if valid is None or bool(valid[:, here].all()) else valid[:, here]
        at = Coords.of(size, start=start + done, offset=offset, valid=real)
        outs.append(attention(x[:, here], at, mask=Causal(), position=position, cache=cache))
        done += size
        offset = None if valid is None else start + valid[:, :done].sum(1, keepdim=True)
    return torch.cat(outs, dim=1), cache
