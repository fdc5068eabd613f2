"""Causal sums over keys, chunk by chunk, with a backward that keeps nothing but the states between the chunks.

    num_i = sum_{j <= i} w_ij (phi_q_i . phi_k_j) v_j

With a the masked products inside a chunk and s the sum over everything before it:

    num = a v + phi_q s,   s' = s + phi_k^T v

and w_ij = exp(level_j - level_i) on every product. The backward is the same recurrence from the end to the start.
A denominator is the sum of values that are 1, so a last column of ones in v makes it on the way.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from einops import rearrange
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def causal_sums(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    level: Tensor | None,
    s: Tensor | None,
    start: Tensor | None,
    *,
    chunk: int,
    eps: float | None = None,
    floor: float = 0.0,
    guard: float = 0.0,
) -> Tensor:
    """num after the state s, at the level `start`, or None where nothing comes before.

    With eps, the last column of v is ones, and the result is the other columns of num divided by (its last column
    + floor times the sum of phi_q + eps), 0 where that divides by 0; guard as in `reciprocal`. `level` is finite and
    constant for the gradient.

    Shapes: phi_q and phi_k [b h n f], v [b h n d], level [b h n], s [b h f d], start [b h] -> [b h n d|d-1].
    """
    b = phi_q.shape[0]
    dtype = torch.promote_types(phi_q.dtype, torch.float32)
    flat = [None if x is None else rearrange(x, "b h ... -> (b h) ...").to(dtype) for x in (phi_q, phi_k, v, s)]
    levels = None
    if level is not None and start is not None:
        levels = _Levels(rearrange(level, "b h n -> (b h) n").to(dtype), rearrange(start, "b h -> (b h)"), chunk)
    # The products write into each other's results, whose type autocast must not choose.
    with without_autocast(phi_q.device.type):
        out: Tensor = _CausalSums.apply(*flat, b, levels, chunk, eps, floor, guard)  # type: ignore[no-untyped-call]
    return out.to(v.dtype)


def with_ones(v: Tensor) -> Tensor:
    """v with a last column of ones, whose sums are the denominators. [... d] -> [... d+1]."""
    return functional.pad(v, (0, 1), value=1.0)


def reciprocal(den: Tensor, eps: float, guard: float = 0.0) -> Tensor:
    """1 / (den + eps), with 0 (and gradient 0) where nothing has been seen, or too little to divide by.

    guard: 2 guard is added to where |den| is at most guard.
    """
    den = den + eps if eps else den
    den = torch.where(den.abs() <= guard, den + 2 * guard, den) if guard else den
    empty = den.abs() < torch.finfo(den.dtype).tiny
    return den.masked_fill(empty, 1.0).reciprocal().masked_fill(empty, 0.0)


def without_autocast(device: str) -> AbstractContextManager[Any]:
    """Keep the types that the operands have."""
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
        s: Tensor | None,
        b: int,
        levels: _Levels | None,
        chunk: int,
        eps: float | None,
        floor: float,
        guard: float,
    ) -> Tensor:
        c, n, f = q.shape
        starts = range(0, n, chunk)
        # What comes before each chunk; nothing comes before the first unless it is given.
        s_all = q.new_empty(len(starts), c, f, v.shape[2])
        ctx.nothing_before = int(s is None)
        if s is not None:
            s_all[0] = s
        out = heads_inside(q, b, v.shape[2] - int(eps is not None))
        over = None if eps is None else q.new_empty(c, n, 1)
        for at, first in enumerate(starts):
            here = slice(first, first + chunk)
            qc, kc, vc = (x[:, here] for x in (q, k, v))
            inside = torch.bmm(qc, kc.mT)
            factors = None if levels is None else levels.factors(first)
            if factors is not None:
                inside.mul_(factors[0])
            num = torch.bmm(inside.tril_(), vc)
            if at >= ctx.nothing_before:
                num.baddbmm_(qc if factors is None else qc * factors[1], s_all[at])
            if over is None or eps is None:
                out[:, :, here] = heads_apart(num, b)
            else:
                den = num[..., -1:] + floor * qc.sum(2, keepdim=True) if floor else num[..., -1:]
                over[:, here] = reciprocal(den, eps, guard)
                torch.mul(heads_apart(num[..., :-1], b), heads_apart(over[:, here], b), out=out[:, :, here])
            if at + 1 < len(starts):
                torch.bmm((kc if factors is None else kc * factors[2]).mT, vc, out=s_all[at + 1])
                if at >= ctx.nothing_before:
                    s_all[at + 1] += s_all[at] if factors is None else s_all[at] * factors[3]
        ctx.save_for_backward(q, k, v, s_all, None if over is None else out, over)
        ctx.levels, ctx.chunk, ctx.floor = levels, chunk, floor
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        with without_autocast(g.device.type):
            return *_backward(ctx, g), None, None, None, None, None, None


def _backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    q, k, v, s_all, out, over = ctx.saved_tensors
    chunk = ctx.chunk
    grad_q, grad_k, grad_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    # the gradient of the state after the chunk; nobody reads the one after the last
    g_s: Tensor | None = None
    for at in reversed(range(len(s_all))):
        here = slice(at * chunk, at * chunk + chunk)
        qc, kc, vc = (x[:, here] for x in (q, k, v))
        to_q, to_k, to_v = (x[:, here] for x in (grad_q, grad_k, grad_v))
        if over is None:
            gn = rearrange(g[:, :, here], "b h n d -> (b h) n d")
        else:
            gn = divided_gradient(g[:, :, here], out[:, :, here], over[:, here])
        factors = None if ctx.levels is None else ctx.levels.factors(at * chunk)
        inside, g_inside = torch.bmm(qc, kc.mT), torch.bmm(gn, vc.mT)
        if factors is not None:
            inside.mul_(factors[0])
            g_inside.mul_(factors[0])
        g_inside.tril_()
        torch.bmm(g_inside, kc, out=to_q)
        torch.bmm(g_inside.mT, qc, out=to_k)
        torch.bmm(inside.tril_().mT, gn, out=to_v)
        if ctx.floor:
            to_q.add_(gn[..., -1:], alpha=ctx.floor)
        if g_s is not None:
            from_end = torch.bmm(vc, g_s.mT)
            to_k.add_(from_end if factors is None else from_end.mul_(factors[2]))
            to_v.baddbmm_(kc if factors is None else kc * factors[2], g_s)
        if at < ctx.nothing_before:
            continue
        from_past = torch.bmm(gn, s_all[at].mT)
        to_q.add_(from_past if factors is None else from_past.mul_(factors[1]))
        g_now = torch.bmm((qc if factors is None else qc * factors[1]).mT, gn)
        g_s = g_now if g_s is None else g_now.add_(g_s if factors is None else g_s * factors[3])
    return grad_q, grad_k, grad_v, None if ctx.nothing_before else g_s


def heads_apart(t: Tensor, b: int) -> Tensor:
    """[(b h) n d] -> [b h n d]."""
    return rearrange(t, "(b h) n d -> b h n d", b=b)


def heads_inside(like: Tensor, b: int, width: int) -> Tensor:
    """Memory for [b h n d] in the order b n h d, which merging the heads then need not copy. like: [(b h) n f]."""
    c, n, _ = like.shape
    return rearrange(like.new_empty(b, n, c // b, width), "b n h d -> b h n d")


def divided_gradient(g: Tensor, out: Tensor, over: Tensor) -> Tensor:
    """The gradients of num and den side by side, in out = num / den: g / den, and -(g . out) / den.

    Shapes: g and out [b h n d], over (1 / den) [(b h) n 1] -> [(b h) n d+1].
    """
    b, h, n, d = g.shape
    both = g.new_empty(b, h, n, d + 1)
    num, den, over = both[..., :-1], both[..., -1:], heads_apart(over, b)
    torch.sum(torch.mul(g, out, out=num), 3, keepdim=True, out=den)
    den.mul_(over).neg_()
    torch.mul(g, over, out=num)
    return rearrange(both, "b h n d -> (b h) n d")
