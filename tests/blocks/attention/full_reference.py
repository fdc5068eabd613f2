"""Full attention as loops over heads and tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from blocks.attention import FullAttention
from blocks.attention.heads import HeadNorms, WholeNorm

from .reference import mix, project

DIM, HEADS, N = 12, 4, 7


def make(**options: Any) -> FullAttention:
    attention = FullAttention(DIM, HEADS, **options).double().eval()
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return attention


def head_of(attention: FullAttention, side: str, x: Tensor, head: int) -> Tensor:
    """One head's query, key or value of one token, clipped and normed. x: [m] -> [d]."""
    d, linear = attention.head_dim, getattr(attention, side)
    groups = linear.out_features // d
    cut = attention.clip or math.inf
    heads = [project(x, linear, h, d).clamp(-cut, cut) for h in range(groups)]
    norm = getattr(attention, {"query": "q_norm", "key": "k_norm"}.get(side, ""), None)
    if isinstance(norm, WholeNorm):
        whole = norm.norm(torch.cat(heads))
        return whole[head * d : (head + 1) * d]
    if isinstance(norm, HeadNorms):
        return norm.norms[head](heads[head])
    return heads[head] if norm is None else norm(heads[head])


def slow(
    attention: FullAttention,
    x: Tensor,
    source: Tensor,
    sees: Callable[[int, int, int], bool],
    rotate: Callable[[Tensor, int], Tensor] = lambda t, i: t,
    bias: Callable[[int, int, int], float] = lambda h, i, j: 0.0,
) -> Tensor:
    """Row by row, token by token, head by head. x: [b n m]; source: [b k m]; sees: (row, query, key)."""
    d, group = attention.head_dim, HEADS // attention.kv_heads
    rows = []
    for r in range(len(x)):
        for i in range(x.shape[1]):
            heads = []
            for h in range(HEADS):
                q = rotate(head_of(attention, "query", x[r, i], h), i)
                scores, values = [], []
                for j in range(source.shape[1]):
                    if sees(r, i, j):
                        k = rotate(head_of(attention, "key", source[r, j], h // group), j)
                        score = (q * k).sum() * attention.scale
                        if attention.softcap is not None:
                            score = attention.softcap * torch.tanh(score / attention.softcap)
                        scores.append(score + bias(h, i, j))
                        values.append(head_of(attention, "value", source[r, j], h // group))
                if attention.sinks is not None:
                    scores.append(attention.sinks[h])
                    values.append(x.new_zeros(d))
                out = mix(scores, values, d, x)
                if attention.gate is not None:
                    out = out * torch.sigmoid(project(x[r, i], attention.gate, h, d))
                heads.append(out)
            rows.append(attention.out(attention.sub_norm(torch.cat(heads))))
    return torch.stack(rows).reshape(*x.shape[:2], -1)


def turned(width: int) -> Callable[[Tensor, int], Tensor]:
    """Rotary positions, pair by pair."""

    def turn(t: Tensor, i: int) -> Tensor:
        out = list(t)
        for pair in range(width // 2):
            angle = i * 10000 ** (-2 * pair / width)
            a, b = t[pair], t[pair + width // 2]
            out[pair] = a * math.cos(angle) - b * math.sin(angle)
            out[pair + width // 2] = a * math.sin(angle) + b * math.cos(angle)
        return torch.stack(out)

    return turn
