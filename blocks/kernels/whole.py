"""The sums of linear attention over all keys, with a backward in five products and no pass over the features."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import Tensor
from torch.autograd.function import once_differentiable

from blocks.kernels.scan import divided_gradient, heads_apart, heads_inside, reciprocal, with_ones, without_autocast


def all_sums(phi_q: Tensor, phi_k: Tensor, v: Tensor, eps: float, guard: float = 0.0) -> Tensor:
    """sum_j (phi_q_i . phi_k_j) v_j / (sum_j (phi_q_i . phi_k_j) + eps), 0 where that divides by 0.

    guard: as in `reciprocal`.

    Shapes: phi_q [b h q f], phi_k [b h k f], v [b h k d] -> [b h q d].
    """
    b, dtype = phi_q.shape[0], torch.promote_types(phi_q.dtype, v.dtype)
    flat = [rearrange(x, "b h n f -> (b h) n f").to(dtype) for x in (phi_q, phi_k, v)]
    with without_autocast(phi_q.device.type):
        out: Tensor = _AllSums.apply(*flat, b, eps, guard)  # type: ignore[no-untyped-call]
    return out.to(v.dtype)


class _AllSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, b: int, eps: float, guard: float) -> Tensor:
        v = with_ones(v)
        s = torch.bmm(k.mT, v)
        num = torch.bmm(q, s)
        over = reciprocal(num[..., -1:], eps, guard)
        out = heads_inside(q, b, v.shape[2] - 1)
        torch.mul(heads_apart(num[..., :-1], b), heads_apart(over, b), out=out)
        ctx.save_for_backward(q, k, v, s, out, over)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, s, out, over = ctx.saved_tensors
        with without_autocast(g.device.type):
            g = divided_gradient(g, out, over)
            g_s = torch.bmm(q.mT, g)
            return torch.bmm(g, s.mT), torch.bmm(v, g_s.mT), torch.bmm(k, g_s[..., :-1]), None, None, None
