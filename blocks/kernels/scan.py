"""Causal sums over keys, chunk by chunk, with a backward that keeps nothing but the states between the chunks.

    num_i = sum_{j <= i} w_ij (phi_q_i . phi_k_j) v_j,   den_i = sum_{j <= i} w_ij (phi_q_i . phi_k_j)

With a the masked products inside a chunk and (s, z) the sums over everything before it:

    num = a v + phi_q s,   den = a 1 + phi_q z,   s' = s + phi_k^T v,   z' = z + phi_k^T 1

and w_ij = exp(level_j - level_i) on every product. The backward is the same recurrence from the end to the start.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from einops import rearrange
from torch import Tensor
from torch.autograd.function import once_differentiable


def causal_sums(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    level: Tensor | None,
    s: Tensor,
    z: Tensor,
    start: Tensor | None,
    *,
    chunk: int,
    eps: float | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """num and den, and the state after the last key, from the state (s, z) before the first one.

    With eps, the first result is num / (den + eps) instead, 0 where that divides by 0, and den is only for looking at:
    it has no gradient. `level` is finite and constant for the gradient; `start` is the level of s and z.

    Shapes: phi_q and phi_k [b h n f], v [b h n d], level [b h n], s [b h f d], z [b h f], start [b h]
    -> num [b h n d], den [b h n], s [b h f d], z [b h f].
    """
    b = phi_q.shape[0]
    dtype = torch.promote_types(phi_q.dtype, torch.float32)
    flat = [rearrange(x, "b h ... -> (b h) ...").to(dtype) for x in (phi_q, phi_k, v, s, z)]
    levels = None
    if level is not None and start is not None:
        levels = _Levels(rearrange(level, "b h n -> (b h) n").to(dtype), rearrange(start, "b h -> (b h)"), chunk)
    # The products write into each other's results, whose type autocast must not choose.
    with _without_autocast(phi_q.device.type):
        num, den, s, z = _CausalSums.apply(*flat, levels, chunk, eps)  # type: ignore[no-untyped-call]
    num, den, s, z = (rearrange(x, "(b h) ... -> b h ...", b=b) for x in (num, den, s, z))
    return num.to(v.dtype), den.to(v.dtype), s, z


def reciprocal(den: Tensor, eps: float) -> Tensor:
    """1 / (den + eps), with 0 (and gradient 0) where nothing has been seen."""
    den = den + eps
    empty = den == 0
    return den.masked_fill(empty, 1.0).reciprocal().masked_fill(empty, 0.0)


def _without_autocast(device: str) -> AbstractContextManager[Any]:
    available = torch.amp.is_autocast_available(device)
    return torch.autocast(device, enabled=False) if available else nullcontext()


class _Levels:
    """The factors exp(level_j - level_i) of every chunk, or None where the level does not move.

    Shapes: level [c n], start [c].
    """

    def __init__(self, level: Tensor, start: Tensor, chunk: int):
        self.level = level
        self.before = torch.cat([start.unsqueeze(1), level], 1)
        self.chunk = chunk
        firsts = range(0, level.shape[1], chunk)
        if level.device.type == "cpu":
            # The level mostly rests: spare the chunks in which no row of the batch moves.
            ends = [min(first + chunk, level.shape[1]) for first in firsts]
            moves = (self.before[:, list(firsts)] != self.before[:, ends]).any(0)
            self.moves: list[bool] = moves.tolist()
        else:
            self.moves = [True for _ in firsts]

    def factors(self, first: int) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
        """For the chunk at `first`: inside [c i j], past to row [c i 1], row to end [c j 1], past to end [c 1 1]."""
        if not self.moves[first // self.chunk]:
            return None
        level = self.level[:, first : first + self.chunk]
        past, end = self.before[:, first, None], level[:, -1:]
        # Above the diagonal this may overflow: those products must be overwritten (tril_), not multiplied by 0.
        inside = (level.unsqueeze(1) - level.unsqueeze(2)).exp_()
        fade = torch.exp(past - level).unsqueeze(2), torch.exp(level - end).unsqueeze(2), torch.exp(past - end)
        return inside, fade[0], fade[1], fade[2].unsqueeze(2)


class _CausalSums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        s: Tensor,
        z: Tensor,
        levels: _Levels | None,
        chunk: int,
        eps: float | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        c, n = q.shape[:2]
        starts = range(0, n, chunk)
        s, z = s.clone(), z.clone().unsqueeze(2)
        s_all, z_all = s.new_empty(len(starts), *s.shape), z.new_empty(len(starts), *z.shape)
        num, den = torch.empty_like(v), q.new_empty(c, n, 1)
        over = None if eps is None else torch.empty_like(den)
        for at, first in enumerate(starts):
            here = slice(first, first + chunk)
            s_all[at], z_all[at] = s, z
            qc, kc, vc, num_c = (x[:, here] for x in (q, k, v, num))
            inside = torch.bmm(qc, kc.mT)
            factors = None if levels is None else levels.factors(first)
            if factors is not None:
                inside.mul_(factors[0])
                qc, kc = qc * factors[1], kc * factors[2]
                s.mul_(factors[3])
                z.mul_(factors[3])
            inside.tril_()
            torch.bmm(inside, vc, out=num_c)
            num_c.baddbmm_(qc, s_all[at])
            den_c = inside.sum(2, keepdim=True).baddbmm_(qc, z_all[at])
            den[:, here] = den_c
            if over is not None and eps is not None:
                over_c = reciprocal(den_c, eps)
                over[:, here] = over_c
                num_c.mul_(over_c)
            s.baddbmm_(kc.mT, vc)
            z.add_(kc.sum(1).unsqueeze(2))
        den = den.squeeze(2)
        if over is not None:
            ctx.mark_non_differentiable(den)
        ctx.save_for_backward(q, k, v, s_all, z_all, None if over is None else num, over)
        ctx.levels, ctx.chunk = levels, chunk
        return num, den, s, z.squeeze(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_num: Tensor, g_den: Tensor, g_s: Tensor, g_z: Tensor) -> tuple[Any, ...]:
        with _without_autocast(g_num.device.type):
            return _backward(ctx, g_num, g_den, g_s, g_z)


def _backward(ctx: Any, g_num: Tensor, g_den: Tensor, g_s: Tensor, g_z: Tensor) -> tuple[Any, ...]:
    q, k, v, s_all, z_all, out, over = ctx.saved_tensors
    chunk = ctx.chunk
    grad_q, grad_k, grad_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    g_s, g_z, g_den = g_s.clone(), g_z.clone().unsqueeze(2), g_den.unsqueeze(2)
    for at in reversed(range(len(s_all))):
        first = at * chunk
        here = slice(first, first + chunk)
        qc, kc, vc, gn, gd = (x[:, here] for x in (q, k, v, g_num, g_den))
        to_q, to_k, to_v = (x[:, here] for x in (grad_q, grad_k, grad_v))
        if over is not None:
            # out = num * over and over = 1 / (den + eps), in which d over / d den = -over ** 2.
            gd = (gn * out[:, here]).sum(2, keepdim=True).neg_().mul_(over[:, here])
            gn = gn * over[:, here]
        inside = torch.bmm(qc, kc.mT)
        g_inside = torch.bmm(gn, vc.mT).add_(gd)
        torch.bmm(gn, s_all[at].mT, out=to_q)
        torch.bmm(vc, g_s.mT, out=to_k)
        to_q.addcmul_(gd, z_all[at].mT)
        to_k.add_(g_z.mT)
        q_past, k_end, factors = qc, kc, None if ctx.levels is None else ctx.levels.factors(first)
        if factors is not None:
            inside.mul_(factors[0])
            g_inside.mul_(factors[0])
            to_q.mul_(factors[1])
            to_k.mul_(factors[2])
            q_past, k_end = qc * factors[1], kc * factors[2]
        inside.tril_()
        g_inside.tril_()
        to_q.baddbmm_(g_inside, kc)
        to_k.baddbmm_(g_inside.mT, qc)
        torch.bmm(inside.mT, gn, out=to_v)
        to_v.baddbmm_(k_end, g_s)
        if factors is not None:
            g_s.mul_(factors[3])
            g_z.mul_(factors[3])
        g_s.baddbmm_(q_past.mT, gn)
        g_z.baddbmm_(q_past.mT, gd)
    return grad_q, grad_k, grad_v, g_s, g_z.squeeze(2), None, None, None
