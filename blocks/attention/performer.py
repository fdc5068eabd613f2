"""Performer: positive orthogonal random features (FAVOR+) that approximate softmax attention in linear time."""

from __future__ import annotations

import math
import warnings
from typing import Literal, TypeAlias

import torch
from einops import rearrange
from torch import Tensor

from blocks.attention.base import Attention
from blocks.attention.cache import Cache, SourceCache
from blocks.attention.feature_maps import EfficientFeatures, FeatureMap, KeyContext, ReluFeatures, SoftmaxFeatures
from blocks.attention.feature_sums import (
    Division,
    Features,
    LinearCache,
    feature_attention,
    feature_weights,
    hide_padding,
    is_causal,
)
from blocks.attention.heads import biased, split, split_width
from blocks.attention.view import View
from blocks.coords import Coords
from blocks.linear import Linear
from registry import Caveat, MultipleOf, part
from registry.types import NonNegativeFloat, NonNegativeInt, PositiveInt

Norms: TypeAlias = Literal["gaussian", "constant"]
Projection: TypeAlias = Literal["query", "key", "value", "out"]
Kernel: TypeAlias = Literal["softmax", "relu", "none"]

_LOOKS_AHEAD = (
    "with stabiliser: look_ahead lets later tokens reach earlier ones: "
    "the losses of a causal model are lower than it could reach without seeing them"
)


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

    features: number of random features, d ln d unless given. head_dim: width d of a head, dim / heads unless given.
    kernel: softmax; relu, features relu(w.x), or relu(x) with features: 0; none, no random features but softmax(q) and
    softmax(k) over positions, or exp(k) if causal (efficient attention, Shen et al. 2018, arXiv 1812.01243).
    redraw: draw new w every so many training steps, 0 for never; evaluation keeps the last ones, which are saved.
    norms: lengths of the w. eps: added to each feature, 1e-4 (softmax) or 1e-3 (relu) unless given.
    floor: added to each sum of key features if causal. guard: 2 guard is added to denominators of at most guard.
    These defaults are performer-pytorch's; the authors' JAX code has eps 1e-6, floor 0, guard 1e-6.
    stabiliser: what scales the keys of the softmax kernel if causal: running, the largest w.k so far, or look_ahead,
    the largest of the whole text, as in both of these. That cannot decode step by step and is not strictly causal: a
    later w.k that exceeds all before it by c makes eps and floor weigh exp(c) times as much in the earlier outputs, up
    to where nothing is left of them but the mean of the values so far.
    bias: on all projections, on none, or on those named.
    """

    provides = frozenset(["bidirectional", "causal", "padding", "cross", "rotate", "mark"])
    rules = (MultipleOf("dim", "heads", "the heads share the width", when={"head_dim": None}),)
    caveats = (Caveat("causal", _LOOKS_AHEAD, when={"stabiliser": "look_ahead"}),)
    directions: Tensor
    calls: Tensor

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        features: NonNegativeInt | None = None,
        kernel: Kernel = "softmax",
        head_dim: PositiveInt | None = None,
        stabiliser: Literal["running", "look_ahead"] = "running",
        redraw: NonNegativeInt = 1000,
        norms: Norms = "gaussian",
        eps: NonNegativeFloat | None = None,
        floor: NonNegativeFloat = 1e-6,
        guard: NonNegativeFloat = 0.0,
        bias: bool | list[Projection] = True,
    ) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, head_dim or split_width(dim, heads)
        self.kernel, self.features = kernel, _count(kernel, features, self.head_dim)
        self.redraw, self.norms = redraw if self.features else 0, norms
        self.floor, self.guard = floor, guard
        self.look_ahead = stabiliser == "look_ahead"
        if self.look_ahead:
            self.provides = type(self).provides - {"decode"} | {"look_ahead"}
        self.map: FeatureMap = _map(kernel, eps, self.look_ahead)
        inner = heads * self.head_dim
        self.query = Linear(dim, inner, role="query", bias=biased(bias, "query"))
        self.key = Linear(dim, inner, role="key", bias=biased(bias, "key"))
        self.value = Linear(dim, inner, role="value", bias=biased(bias, "value"))
        self.out = Linear(inner, dim, role="attention_out", bias=biased(bias, "out"))
        directions = orthogonal_features(self.features, self.head_dim, norms=norms)
        self.register_buffer("directions", directions.to(torch.get_default_dtype()))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def mix(self, x: Tensor, view: View) -> Tensor:
        self._count_call()
        features, v = self._features(x, view)
        running = view.cache if isinstance(view.cache, LinearCache) else None
        causal = is_causal(view, "performer")
        if causal and self.look_ahead and self.training and not x.is_meta:
            warnings.warn(f"performer {_LOOKS_AHEAD}", stacklevel=2)
        mixed = feature_attention(features, v, self.division, causal=causal, cache=running)
        return self.out(rearrange(mixed, "b h n d -> b n (h d)"))

    def weigh(self, x: Tensor, view: View) -> Tensor:
        features, _ = self._features(x, view)
        return feature_weights(features, self.division, causal=is_causal(view, "performer"))

    @property
    def division(self) -> Division:
        # what a sum begins with is the floor, where it begins with something
        return Division(floor=0.0 if self.kernel == "none" else self.floor, guard=self.guard)

    def new_cache(self, *, cross: bool = False) -> Cache:
        if self.look_ahead and not cross:
            raise NotImplementedError(
                "performer with stabiliser: look_ahead scales keys by later ones: no step by step"
            )
        return SourceCache() if cross else LinearCache()

    def _features(self, x: Tensor, view: View) -> tuple[Features, Tensor]:
        """Features of queries and keys, and the values."""
        causal = is_causal(view, "performer")
        state = view.cache.state if isinstance(view.cache, LinearCache) else None
        before = None if state is None else state.level
        level: Tensor | None = None

        def project(read: Tensor, at: Coords) -> tuple[Tensor, Tensor]:
            nonlocal level
            k = view.position.rotate(self._split(self.key(view.position.mark(read, at, "key"))), at, "key")
            k, level = self.map.keys(k, self.directions, KeyContext(at.valid, causal, before))
            return hide_padding(k, at), self._split(self.value(read))

        q = view.position.rotate(self._split(self.query(view.marked(x))), view.at, "query")
        k, v, _ = view.keys_and_values(x, project)
        start = self.map.start(k, v, self.floor) if causal else None
        return Features(self.map.queries(q, self.directions), k, level=level, start=start), v

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

    def _split(self, t: Tensor) -> Tensor:
        return split(t, self.head_dim)


def _count(kernel: Kernel, features: int | None, width: int) -> int:
    """Number of random features. Raises ValueError for a number that the kernel has no use for."""
    if kernel == "none":
        if features:
            raise ValueError(f"performer: kernel 'none' has no random features, yet features is {features}")
        return 0
    if features == 0 and kernel == "softmax":
        raise ValueError("performer: the softmax kernel needs features, yet their number is 0")
    return max(1, int(width * math.log(width))) if features is None else features


def _map(kernel: Kernel, eps: float | None, look_ahead: bool) -> FeatureMap:
    match kernel:
        case "softmax":
            return SoftmaxFeatures(1e-4 if eps is None else eps, look_ahead)
        case "relu":
            return ReluFeatures(1e-3 if eps is None else eps)
        case "none":
            return EfficientFeatures()
