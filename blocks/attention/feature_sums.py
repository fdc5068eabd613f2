"""The engine of the linear kinds: sums over the features of keys, whole, running or kept, and the weights they give."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from blocks.attention.cache import Cache
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.kernels.linear import LinearState, causal_outputs, linear_attention, step
from blocks.kernels.scan import reciprocal
from blocks.masks import Causal, SameSegment, Valid, terms


@dataclass
class LinearCache(Cache):
    """The running sums over all past keys: constant memory, however long the past."""

    state: LinearState | None = None

    def select(self, rows: Tensor) -> LinearCache:
        return LinearCache(None if self.state is None else self.state.select(rows))

    @property
    def numbers(self) -> int:
        return 0 if self.state is None else self.state.s.numel() + self.state.z.numel()


@dataclass(frozen=True)
class Features:
    """Feature maps of queries and keys. q: [b h q f]; k: [b h k f], zero on padding.

    den_q, den_k: other features for the denominator, or None. level: [b h k], what k is relative to, or None.
    start: what the sums of a causal pass begin with, or None for nothing.
    """

    q: Tensor
    k: Tensor
    den_q: Tensor | None = None
    den_k: Tensor | None = None
    level: Tensor | None = None
    start: LinearState | None = None


@dataclass(frozen=True)
class Division:
    """What keeps a denominator from 0. eps: added to it.

    floor: added to each sum of key features if causal. guard: 2 guard is added where it is at most guard.
    """

    eps: float = 0.0
    floor: float = 0.0
    guard: float = 0.0


def feature_attention(
    features: Features, v: Tensor, division: Division, *, causal: bool, cache: LinearCache | None = None
) -> Tensor:
    """sum_j (q_i.k_j) v_j / sum_j q_i.k_j in the form that fits. v: [b h k d] -> [b h q d]."""
    f, by = features, division
    if not causal:
        return linear_attention(f.q, f.k, v, den_q=f.den_q, den_k=f.den_k, eps=by.eps, guard=by.guard)
    options: dict[str, Any] = {"den_q": f.den_q, "den_k": f.den_k, "level": f.level, **asdict(by)}
    if cache is None:
        return causal_outputs(f.q, f.k, v, **options, state=f.start)
    with torch.no_grad():
        out, cache.state = step(f.q, f.k, v, cache.state or f.start, **options)
    return out


def feature_weights(features: Features, division: Division, *, causal: bool) -> Tensor:
    """The weight of every v_j in `feature_attention` of a whole pass, [b h q k]; quadratic, for looking at."""
    f, by = features, division
    den_q, den_k = f.q if f.den_q is None else f.den_q, f.k if f.den_k is None else f.den_k
    num, den = f.q @ f.k.mT, den_q @ den_k.mT
    extra = torch.zeros_like(den[..., 0])
    if causal:
        # before the first valid key the level is -inf
        level = None if f.level is None else f.level.clamp(min=torch.finfo(f.level.dtype).min / 4)
        share = relative_level(level, level, num)
        later = torch.ones(num.shape[-2:], dtype=torch.bool, device=num.device).triu(1)
        num, den = ((t * share).masked_fill(later, 0.0) for t in (num, den))
        extra = by.floor * den_q.sum(-1)
        if f.start is not None:
            begin = None if f.start.level is None else f.start.level.unsqueeze(-1)
            extra = extra + (den_q @ f.start.z.unsqueeze(-1) * relative_level(level, begin, num)).squeeze(-1)
    return num * reciprocal(den.sum(-1) + extra, by.eps, by.guard).unsqueeze(-1)


def relative_level(to: Tensor | None, of: Tensor | None, like: Tensor) -> Tensor:
    """exp(of - to), at most 1, what sums at the level `of` [b h k] count for at `to` [b h q]: [b h q k]; 1 if None."""
    if to is None or of is None:
        return torch.ones((), dtype=like.dtype, device=like.device)
    return (of.unsqueeze(-2) - to.unsqueeze(-1)).clamp(max=0.0).exp()


def is_causal(view: View, kind: str) -> bool:
    """Whether the sums run over earlier keys only. Raises ValueError for a mask that sums over keys cannot obey."""
    for term in terms(view.mask):
        if not isinstance(term, Causal | Valid | SameSegment):
            raise ValueError(
                f"attention '{kind}' cannot obey the mask {term}: it sums over all keys, or over all earlier ones"
            )
    return view.causal


def hide_padding(phi_k: Tensor, at: Coords) -> Tensor:
    """Zero the features of padded keys. phi_k: [b h k f]."""
    return phi_k if at.valid is None else phi_k * rearrange(at.valid, "b k -> b 1 k 1")
