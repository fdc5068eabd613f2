"""Performer: positive orthogonal random features (FAVOR+) that approximate softmax attention in linear time."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from blocks.attention.base import Attention
from blocks.attention.cache import Cache, SourceCache
from blocks.attention.full import split_width
from blocks.attention.linear import Features, LinearCache, feature_attention, hide_padding, is_causal
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.kernels.features import positive_features, random_products
from blocks.linear import Linear
from registry import MultipleOf, part
from registry.types import NonNegativeFloat, NonNegativeInt, PositiveInt

Norms: TypeAlias = Literal["gaussian", "constant"]


def orthogonal_features(count: int, width: int, *, norms: Norms = "gaussian") -> Tensor:
    """Random directions in independent orthogonal blocks of `width` rows, the last one cut. Float64 [count width].

    norms: "gaussian" gives each row the length of an independent Gaussian vector, which keeps the estimate unbiased;
    "constant" gives all rows sqrt(width). Choromanski et al. 2020, section 2.4.
    """
    q, r = torch.linalg.qr(torch.randn(-(-count // width), width, width, dtype=torch.float64))
    # the signs make q uniform among rotations: without them its vectors lean to one side, and the estimate with them
    q = q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
    directions: Tensor = rearrange(q, "blocks width rows -> (blocks rows) width")[:count]
    if norms == "constant":
        return directions * math.sqrt(width)
    return directions * torch.randn(count, width, dtype=torch.float64).norm(dim=1, keepdim=True)


@part("attention", "performer", paper="Choromanski et al. 2020, arXiv 2009.14794, lemma 1 and section 2.4")
class Performer(Attention):
    """Estimates softmax attention with features exp(w.x - |x|^2 / 2) of x / d^(1/4), at orthogonal random w; O(n).

    The causal form is strictly causal: it is stabilised by a running maximum, not by one that looks ahead.
    features: number of random features, d ln d unless given. kernel: softmax, or relu (relu(w.x) + 0.001).
    redraw: draw new w every so many training steps, 0 for never; evaluation keeps the last ones, which are saved.
    norms: lengths of the w. eps: added to each feature. bias: on all four projections.
    """

    provides = frozenset(["bidirectional", "causal", "padding", "cross", "rotate"])
    rules = (MultipleOf("dim", "heads", "the heads share the width"),)
    directions: Tensor
    calls: Tensor

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        features: PositiveInt | None = None,
        kernel: Literal["softmax", "relu"] = "softmax",
        redraw: NonNegativeInt = 1000,
        norms: Norms = "gaussian",
        eps: NonNegativeFloat = 1e-4,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, split_width(dim, heads)
        self.features = features or max(1, int(self.head_dim * math.log(self.head_dim)))
        self.kernel, self.redraw, self.norms, self.eps = kernel, redraw, norms, eps
        self.query = Linear(dim, dim, role="query", bias=bias)
        self.key = Linear(dim, dim, role="key", bias=bias)
        self.value = Linear(dim, dim, role="value", bias=bias)
        self.out = Linear(dim, dim, role="attention_out", bias=bias)
        directions = orthogonal_features(self.features, self.head_dim, norms=norms)
        self.register_buffer("directions", directions.to(torch.get_default_dtype()))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def mix(self, x: Tensor, view: View) -> Tensor:
        self._count_call()
        causal = is_causal(view, "performer")
        running = view.cache if isinstance(view.cache, LinearCache) else None
        q = self.query_features(view.position.rotate(self._split(self.query(x)), view.at, "query"))
        level: Tensor | None = None

        def project(read: Tensor, at: Coords) -> tuple[Tensor, Tensor]:
            nonlocal level
            before = None if running is None or running.state is None else running.state.level
            k = view.position.rotate(self._split(self.key(read)), at, "key")
            k, level = self.key_features(k, at.valid, causal=causal, before=before)
            return hide_padding(k, at), self._split(self.value(read))

        k, v, _ = view.keys_and_values(x, project)
        # a floor weighs the same for each query, however its features are stabilised
        mixed = feature_attention(Features(q, k, level=level), v, causal=causal, cache=running, eps=0.0, floor=1e-6)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)"))

    def query_features(self, q: Tensor) -> Tensor:
        """[b h q d] -> [b h q f]; the softmax kernel is stabilised at each position by its largest feature."""
        if self.kernel == "relu":
            return self._relu_features(q)
        q, products = self._products(q)
        return self._positive(q, products, products.amax(-1, keepdim=True))

    def key_features(
        self, k: Tensor, valid: Tensor | None, *, causal: bool, before: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """[b h k d] -> [b h k f], and the log-level [b h k] they are relative to where that varies along k.

        Bidirectional: stabilised by the largest product over features and positions. Causal: by the largest so far;
        `before` [b h] is that of the keys already in the cache.
        """
        if self.kernel == "relu":
            return self._relu_features(k), None
        k, products = self._products(k)
        largest = tops = products.amax(-1)
        if valid is not None:
            largest = largest.masked_fill(~rearrange(valid, "b k -> b 1 k"), -math.inf)
        if causal:
            level = largest.cummax(-1).values
            if before is not None:
                level = torch.maximum(level, before.unsqueeze(-1))
            stabiliser = level
        else:
            level, stabiliser = None, largest.amax(-1, keepdim=True)
        # before the first valid key there is no level yet; those keys are hidden, any finite number will do
        stabiliser = stabiliser.masked_fill(stabiliser.isinf(), 0.0)
        if valid is not None:
            # padded keys may exceed the level: keep their features finite until they are hidden
            stabiliser = torch.maximum(stabiliser, tops)
        return self._positive(k, products, stabiliser.unsqueeze(-1)), level

    def new_cache(self, *, cross: bool = False) -> Cache:
        return SourceCache() if cross else LinearCache()

    def redraw_features(self) -> None:
        """Replace the random directions by new ones."""
        # a new tensor: a backward pass may still need the old one
        self.directions = orthogonal_features(self.features, self.head_dim, norms=self.norms).to(self.directions)

    def _count_call(self) -> None:
        # a dry run on the meta device has no numbers to count or draw
        if self.training and self.redraw and not self.calls.is_meta:
            self.calls += 1
            if int(self.calls) % self.redraw == 0:
                self.redraw_features()

    def _products(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # contiguous here, once, rather than in each product with it
        x = x.contiguous()
        return x, random_products(x, self.directions, self.head_dim**-0.25)

    def _positive(self, x: Tensor, products: Tensor, stabiliser: Tensor) -> Tensor:
        return positive_features(x, self.directions, self.head_dim**-0.25, products, stabiliser, self.eps)

    def _relu_features(self, x: Tensor) -> Tensor:
        return functional.relu(x * self.head_dim**-0.25 @ self.directions.T) + 1e-3

    def _split(self, t: Tensor) -> Tensor:
        return rearrange(t, "b n (h d) -> b h n d", d=self.head_dim)
