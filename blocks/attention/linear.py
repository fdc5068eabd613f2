"""Linear attention: a kernel feature map instead of the softmax, so that the sums over keys can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from blocks.attention.base import Attention
from blocks.attention.cache import Cache, SourceCache
from blocks.attention.full import split_width
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.kernels.features import elu_features
from blocks.kernels.linear import LinearState, causal_outputs, linear_attention, step
from blocks.linear import Linear
from blocks.masks import Causal, SameSegment, Valid, terms
from registry import MultipleOf, part


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
    """

    q: Tensor
    k: Tensor
    den_q: Tensor | None = None
    den_k: Tensor | None = None
    level: Tensor | None = None


def feature_attention(
    features: Features,
    v: Tensor,
    *,
    causal: bool,
    cache: LinearCache | None = None,
    eps: float = 1e-6,
    floor: float = 0.0,
) -> Tensor:
    """sum_j (q_i.k_j) v_j / (sum_j q_i.k_j + eps) in the form that fits; floor: added to each sum of k, if causal.

    v: [b h k d] -> [b h q d].
    """
    f = features
    if not causal:
        return linear_attention(f.q, f.k, v, den_q=f.den_q, den_k=f.den_k, eps=eps)
    options: dict[str, Any] = {"den_q": f.den_q, "den_k": f.den_k, "level": f.level, "eps": eps, "floor": floor}
    if cache is None:
        return causal_outputs(f.q, f.k, v, **options)
    with torch.no_grad():
        out, cache.state = step(f.q, f.k, v, cache.state, **options)
    return out


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


@part("attention", "linear", paper="Katharopoulos et al. 2020, arXiv 2006.16236, sections 3.2 to 3.4, equation 7")
class LinearAttention(Attention):
    """phi(q) (sum phi(k) v) / (phi(q) sum phi(k)) with phi = elu + 1, no scale; O(n), constant memory when decoding.

    Rotary positions turn the features in the numerator only (RoFormer, equation 19). bias: on all four projections.
    """

    provides = frozenset(["bidirectional", "causal", "padding", "cross", "rotate"])
    rules = (MultipleOf("dim", "heads", "the heads share the width"),)

    def __init__(self, dim: int, heads: int, *, bias: bool = True) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, split_width(dim, heads)
        self.query = Linear(dim, dim, role="query", bias=bias)
        self.key = Linear(dim, dim, role="key", bias=bias)
        self.value = Linear(dim, dim, role="value", bias=bias)
        self.out = Linear(dim, dim, role="attention_out", bias=bias)

    def mix(self, x: Tensor, view: View) -> Tensor:
        position, cache = view.position, view.cache
        q = elu_features(self._split(self.query(x)))
        k, v, k_at = view.keys_and_values(x, self._project)
        features = Features(q, k)
        if "rotate" in position.hooks:
            features = Features(position.rotate(q, view.at, "query"), position.rotate(k, k_at, "key"), q, k)
        running = cache if isinstance(cache, LinearCache) else None
        mixed = feature_attention(features, v, causal=is_causal(view, "linear"), cache=running)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)"))

    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else LinearCache()

    def _project(self, read: Tensor, at: Coords) -> tuple[Tensor, Tensor]:
        k = elu_features(self._split(self.key(read)))
        return hide_padding(k, at), self._split(self.value(read))

    def _split(self, t: Tensor) -> Tensor:
        return rearrange(t, "b n (h d) -> b h n d", d=self.head_dim)
