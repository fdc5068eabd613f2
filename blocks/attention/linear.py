"""Linear attention: a kernel feature map instead of the softmax, so that the sums over keys can be kept."""

from __future__ import annotations

from functools import partial

from einops import rearrange
from torch import Tensor

from blocks.attention.base import Attention
from blocks.attention.cache import Cache, SourceCache
from blocks.attention.feature_sums import (
    Division,
    Features,
    LinearCache,
    feature_attention,
    feature_weights,
    hide_padding,
    is_causal,
)
from blocks.attention.heads import split, split_width
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.kernels.features import elu_features
from blocks.linear import Linear
from blocks.position import Position
from registry import MultipleOf, part


@part("attention", "linear", paper="Katharopoulos et al. 2020, arXiv 2006.16236, sections 3.2 to 3.4, equation 7")
class LinearAttention(Attention):
    """phi(q) (sum phi(k) v) / (phi(q) sum phi(k)) with phi = elu + 1, no scale; O(n), constant memory when decoding.

    Rotary positions turn the features in the numerator only (RoFormer, equation 19). bias: on all four projections.
    1e-6 is added to the denominator, as in the authors' code. Its weights sum to 1 up to that, unless turned.
    """

    provides = frozenset(["bidirectional", "causal", "padding", "cross", "rotate", "mark"])
    rules = (MultipleOf("dim", "heads", "the heads share the width"),)
    division = Division(eps=1e-6)

    def __init__(self, dim: int, heads: int, *, bias: bool = True) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, split_width(dim, heads)
        self.query = Linear(dim, dim, role="query", bias=bias)
        self.key = Linear(dim, dim, role="key", bias=bias)
        self.value = Linear(dim, dim, role="value", bias=bias)
        self.out = Linear(dim, dim, role="attention_out", bias=bias)

    def mix(self, x: Tensor, view: View) -> Tensor:
        features, v = self._features(x, view)
        running = view.cache if isinstance(view.cache, LinearCache) else None
        mixed = feature_attention(features, v, self.division, causal=is_causal(view, "linear"), cache=running)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)"))

    def weigh(self, x: Tensor, view: View) -> Tensor:
        features, _ = self._features(x, view)
        return feature_weights(features, self.division, causal=is_causal(view, "linear"))

    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else LinearCache()

    def _features(self, x: Tensor, view: View) -> tuple[Features, Tensor]:
        """Features of queries and keys, and the values."""
        position = view.position
        q = elu_features(self._split(self.query(view.marked(x))))
        k, v, k_at = view.keys_and_values(x, partial(self._project, position))
        if "rotate" not in position.hooks:
            return Features(q, k), v
        return Features(position.rotate(q, view.at, "query"), position.rotate(k, k_at, "key"), q, k), v

    def _project(self, position: Position, read: Tensor, at: Coords) -> tuple[Tensor, Tensor]:
        k = elu_features(self._split(self.key(position.mark(read, at, "key"))))
        return hide_padding(k, at), self._split(self.value(read))

    def _split(self, t: Tensor) -> Tensor:
        return split(t, self.head_dim)
