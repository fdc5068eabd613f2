"""Which blocks of keys the queries of a block see in BigBird: tables of numbers, pure functions of what they are of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

Plan: TypeAlias = Literal["published", "uniform", "zeros"]

OLD_LENGTHS = (1024, 3072, 4096)
"""Lengths that the authors' code draws for by an older plan than the general one."""
OLD_REACH = 1024
"""The older plan draws blocks among so many leading tokens."""


@dataclass(frozen=True)
class Draw:
    """How random blocks are drawn for one layer.

    count: random blocks a row; block: tokens a block; seed, layer: what the draw depends on beside row and head.
    old_length: for so many tokens the older plan draws a table, whatever the length it is asked for.
    """

    plan: Plan
    heads: int
    count: int
    block: int
    seed: int
    layer: int
    old_length: int

    @property
    def dense(self) -> int:
        """Up to so many blocks there is nothing to draw: a sequence gets full attention."""
        return 5 + 2 * self.count


@lru_cache(maxsize=1024)
def random_blocks(draw: Draw, blocks: int, *, causal: bool) -> Tensor:
    """The random blocks of each row, -1 where there are fewer: int64 [h t r], t of `blocks` rows.

    Causal rows draw from the past alone, and what they draw does not depend on `blocks`. Bidirectional: the first and
    the last row see everything and draw nothing.
    """
    table = np.full((draw.heads, blocks, draw.count), -1, dtype=np.int64)
    inner = range(1, blocks if causal else blocks - 1)
    for head, row, drawn in _drawn(draw, blocks, inner, causal):
        table[head, row, : len(drawn)] = drawn
    return torch.from_numpy(table)


@lru_cache(maxsize=256)
def seen_blocks(draw: Draw, blocks: int, *, causal: bool) -> Tensor:
    """All blocks that each row sees, in order, -1 for none: the first and last, the window of 3, random ones.

    int64 [h t c], t of `blocks` rows. Causal rows see no later block, and the last is like any other.
    Bidirectional: the first and the last row see all blocks, and have no line here.
    """
    table = random_blocks(draw, blocks, causal=causal)
    row = torch.arange(blocks, device=table.device)
    ends = [0] if causal else [0, blocks - 1]
    window = torch.stack([row - 1, row] if causal else [row - 1, row, row + 1], dim=-1)
    fixed = torch.tensor(ends, device=table.device).expand(blocks, -1)
    # an end that stands in the window is counted as an end
    for end in ends:
        window = window.masked_fill(window == end, -1)
    fixed = torch.cat([fixed, window], dim=-1).expand(draw.heads, -1, -1)
    seen = torch.cat([fixed, table], dim=-1).sort(dim=-1).values
    if not causal:
        seen[:, [0, -1]] = -1
    return seen


def _drawn(draw: Draw, blocks: int, rows: range, causal: bool) -> Iterator[tuple[int, int, list[int]]]:
    """Head, row, and what is drawn for them."""
    match draw.plan:
        case "published" if blocks * draw.block in OLD_LENGTHS and not causal:
            yield from _old(draw, blocks, rows)
        case "published":
            yield from _general(draw, rows, causal)
        case "uniform":
            yield from _uniform(draw, blocks, rows, causal)
        case "zeros":
            yield from ((head, row, [0] * draw.count) for head in range(draw.heads) for row in rows)


def _general(draw: Draw, rows: range, causal: bool) -> Iterator[tuple[int, int, list[int]]]:
    """The authors' general plan: a shuffle of the first 2r + 5 blocks for each row and head, legal ones first."""
    reach = draw.dense
    dice = np.random.RandomState((draw.seed + draw.layer) % 2**32)
    for row in rows if draw.count else ():
        hidden = {0, reach - 1, row - 1, row, row + 1}
        # the first and last inner rows see neither end's neighbour
        hidden |= {reach - 2} if row == 1 else set()
        hidden |= {1} if row == reach - 2 else set()
        for head in range(draw.heads):
            shuffled = dice.permutation(np.arange(reach)).tolist()
            legal = (b for b in shuffled if (0 < b < row - 1 if causal else b not in hidden))
            yield head, row, [b for _, b in zip(range(draw.count), legal, strict=False)]


def _old(draw: Draw, blocks: int, rows: range) -> Iterator[tuple[int, int, list[int]]]:
    """The plan of the paper's own runs, drawn for `old_length` tokens and cut.

    As it is, it may draw a block that is seen anyway, whose keys then count twice: the last one at 1024 tokens.
    """
    dice = np.random.RandomState((draw.seed + draw.layer) % 2**32)
    whole = max(blocks, draw.old_length // draw.block)
    middle = np.arange(1, whole - 1)
    last = (OLD_REACH if 2 * draw.block < OLD_REACH else whole * draw.block) // draw.block - 1
    for head in range(draw.heads):
        for row in range(1, whole - 1):
            near = np.concatenate([middle[: min(max(0, row - 2), last)], middle[row + 1 : last]])
            open_to = middle[:last] if row >= whole - 3 else near
            shuffled = dice.permutation(open_to).tolist()
            if row in rows:
                yield head, row, shuffled[: draw.count]


def _uniform(draw: Draw, blocks: int, rows: range, causal: bool) -> Iterator[tuple[int, int, list[int]]]:
    """Any blocks that are not seen anyway, all as likely; each row and head has dice of its own."""
    for head in range(draw.heads):
        for row in rows:
            # 1 ... row - 2 and row + 2 ... blocks - 2
            before = max(0, row - 2)
            after = 0 if causal else max(0, blocks - row - 3)
            dice = Random(f"{draw.seed} {draw.layer} {head} {row}")
            picks = _distinct(dice, draw.count, before + after)
            yield head, row, [1 + p if p < before else row + 2 + p - before for p in picks]


def _distinct(dice: Random, count: int, total: int) -> list[int]:
    """Up to `count` different numbers below `total`; by `random()`, whose stream Python promises to keep."""
    found: list[int] = []
    for left in range(total, max(0, total - count), -1):
        pick = int(dice.random() * left)
        for other in sorted(found):
            pick += pick >= other
        found.append(pick)
    return found
