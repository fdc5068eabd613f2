"""Softmax attention over a union of disjoint key sets, without ever joining them in memory.

    out = sum_s exp(lse_s - lse) out_s,    lse = log sum_s exp(lse_s)

The sets may be strided views that overlap in memory (windows) or gathered blocks; a key must be visible to a query
through at most one of them. In the backward every set's fused kernel is given the mixed output and log-sum-exp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor
from torch.autograd.function import once_differentiable

from blocks.kernels.dense import masked_softmax
from blocks.kernels.flash import additive, flash, flash_backward, fusable, mix_, rows_in_memory, spread


@dataclass(frozen=True)
class KeySet:
    """Keys and values that all queries see, or that each of t equal blocks of consecutive queries sees for itself.

    Shapes: k and v [b h k d], allow and bias [b|1 h|1 q|1 k];
    by blocks: k and v [b h t k d], allow and bias [b|1 h|1 t|1 q|1 k], q the rows of one block (n = t * q).
    """

    k: Tensor
    v: Tensor
    allow: Tensor | None = None
    bias: Tensor | None = None


def union_attention(
    q: Tensor,
    sets: Sequence[KeySet],
    *,
    scale: float | None = None,
    softcap: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Attention of q over all the sets together, one softmax; a row that sees nothing anywhere is 0.

    Shapes: q [b h n d] -> [b h n d].
    """
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    sets = [one for one in sets if one.k.shape[-2] > 0]
    if not sets:
        return torch.zeros_like(q)
    learned = torch.is_grad_enabled() and any(one.bias is not None and one.bias.requires_grad for one in sets)
    tensors = [tensor for one in sets for tensor in (one.k, one.v)]
    if softcap is not None or dropout > 0.0 or learned or not fusable(q, *tensors):
        return _plain(q, sets, scale, softcap, dropout)
    masks = [additive(one.allow, one.bias, q.dtype) for one in sets]
    out: Tensor = _Union.apply(q, masks, scale, *tensors)  # type: ignore[no-untyped-call]
    return out


def _fused_views(x: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """The four axes that the fused kernel wants: [b h q d], or with blocks [(b h) t q d]."""
    if k.dim() == 4:
        full = None if mask is None else spread(mask, 4, x.shape[2], k.shape[2])
        return rows_in_memory(x), rows_in_memory(k), rows_in_memory(v), full
    b, h, t = k.shape[:3]
    x, k, v = _by_block(x, t), rearrange(k, "b h t k d -> (b h) t k d"), rearrange(v, "b h t k d -> (b h) t k d")
    if mask is not None:
        mask = spread(mask, 5, x.shape[2], k.shape[2])
        lead = (1, 1) if mask.shape[0] == mask.shape[1] == 1 else (b, h)
        mask = rearrange(mask.expand(*lead, *mask.shape[2:]), "b h t q k -> (b h) t q k")
    return rows_in_memory(x), rows_in_memory(k), rows_in_memory(v), mask


def _by_block(x: Tensor, t: int) -> Tensor:
    return rearrange(x, "b h (t q) ... -> (b h) t q ...", t=t)


class _Union(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, masks: list[Tensor | None], scale: float, *keys_values: Tensor) -> Tensor:
        out: Tensor | None = None
        lse: Tensor | None = None
        for k, v, mask in zip(keys_values[::2], keys_values[1::2], masks, strict=True):
            part, part_lse = flash(*_fused_views(q, k, v, mask), scale, may_be_empty=True)
            if k.dim() == 5:
                part = rearrange(part, "(b h) t q d -> b h (t q) d", b=q.shape[0])
                part_lse = rearrange(part_lse, "(b h) t q -> b h (t q)", b=q.shape[0])
            if out is None or lse is None:
                out, lse = part, part_lse
            else:
                lse = mix_(out, lse, part, part_lse)
        assert out is not None
        assert lse is not None
        ctx.save_for_backward(q, out, lse.masked_fill(lse == -torch.inf, 0.0), *keys_values)
        ctx.masks, ctx.scale = masks, scale
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        q, out, lse, *keys_values = ctx.saved_tensors
        grad_q: Tensor | None = None
        grads: list[Tensor] = []
        for k, v, mask in zip(keys_values[::2], keys_values[1::2], ctx.masks, strict=True):
            q_view, k_view, v_view, mask = _fused_views(q, k, v, mask)
            views = [grad, out, lse] if k.dim() == 4 else [_by_block(x, k.shape[2]) for x in (grad, out, lse)]
            g_view, o_view = rows_in_memory(views[0]), rows_in_memory(views[1])
            part_q, part_k, part_v = flash_backward(g_view, q_view, k_view, v_view, o_view, views[2], mask, ctx.scale)
            if k.dim() == 5:
                b = q.shape[0]
                part_q = rearrange(part_q, "(b h) t q d -> b h (t q) d", b=b)
                part_k, part_v = (rearrange(x, "(b h) t k d -> b h t k d", b=b) for x in (part_k, part_v))
            grad_q = part_q if grad_q is None else grad_q.add_(part_q)
            grads += [part_k, part_v]
        return (grad_q, None, None, *grads)


def _plain(q: Tensor, sets: Sequence[KeySet], scale: float, softcap: float | None, dropout: float) -> Tensor:
    scores, allowed, b, h, n = [], [], *q.shape[:3]
    for one in sets:
        if one.k.dim() == 4:
            score = torch.einsum("b h q d, b h k d -> b h q k", q, one.k) * scale
        else:
            blocks = rearrange(q, "b h (t q) d -> b h t q d", t=one.k.shape[2])
            score = torch.einsum("b h t q d, b h t k d -> b h t q k", blocks, one.k) * scale
        if softcap is not None:
            score = softcap * torch.tanh(score / softcap)
        if one.bias is not None:
            score = score + one.bias.to(score.dtype)
        allow = torch.ones((), dtype=torch.bool, device=q.device) if one.allow is None else one.allow
        allow = allow.expand(score.shape)
        scores.append(score.reshape(b, h, n, -1))
        allowed.append(allow.reshape(b, h, n, -1))
    weights = F.dropout(masked_softmax(torch.cat(scores, -1), torch.cat(allowed, -1)), dropout)
    out = torch.zeros_like(q[..., :1])
    for one, weight in zip(sets, torch.split(weights, [one.k.shape[-2] for one in sets], -1), strict=True):
        if one.k.dim() == 4:
            out = out + weight @ one.v
        else:
            blocks = rearrange(weight, "b h (t q) k -> b h t q k", t=one.k.shape[2]) @ one.v
            out = out + rearrange(blocks, "b h t q d -> b h (t q) d")
    return out
