"""Feature maps of the Performer: vectors whose products stand in for exp(q.k / sqrt(d)) or for another kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from blocks.kernels.features import positive_features, random_products
from blocks.kernels.linear import LinearState


@dataclass(frozen=True)
class KeyContext:
    """What the features of keys may depend on. valid: bool [b k], or None for all; causal: not on later keys.

    before: [b h], the level of the keys already in the cache, or None.
    """

    valid: Tensor | None
    causal: bool
    before: Tensor | None = None


class FeatureMap(Protocol):
    """Vectors to their features at `directions` [f d]; keys also to the log-level that their features are relative to.

    Shapes: q, k [b h n d] -> [b h n f]; level [b h k], None where all keys have the same.
    """

    def queries(self, q: Tensor, directions: Tensor) -> Tensor: ...

    def keys(self, k: Tensor, directions: Tensor, context: KeyContext) -> tuple[Tensor, Tensor | None]: ...

    def start(self, k: Tensor, v: Tensor, floor: float) -> LinearState | None:
        """What a causal sum over features k [b h k f] of values v [b h k d] begins with, where that is not nothing."""
        ...


@dataclass(frozen=True)
class SoftmaxFeatures:
    """(exp(w.x - |x|^2 / 2 - s) + eps) / sqrt(f) of x / d^(1/4). Choromanski et al. 2020, lemma 1.

    s: the largest w.x of each query; of keys the largest over all of them, or over those so far when causal, unless
    look_ahead says: over all of them then too, as published.
    """

    eps: float
    look_ahead: bool

    def queries(self, q: Tensor, directions: Tensor) -> Tensor:
        q, products = self._products(q, directions)
        return self._features(q, products, products.amax(-1, keepdim=True), directions)

    def keys(self, k: Tensor, directions: Tensor, context: KeyContext) -> tuple[Tensor, Tensor | None]:
        k, products = self._products(k, directions)
        largest = products.amax(-1)
        if context.causal and not self.look_ahead:
            level = running_level(largest, context)
            stabiliser = level
        else:
            level, stabiliser = None, hide(largest, context.valid).amax(-1, keepdim=True)
        stabiliser = reachable(stabiliser, largest, context.valid)
        return self._features(k, products, stabiliser.unsqueeze(-1), directions), level

    def start(self, k: Tensor, v: Tensor, floor: float) -> LinearState | None:
        return None

    def _products(self, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        # contiguous here, once, rather than in each product with it
        x = x.contiguous()
        return x, random_products(x, directions, x.shape[-1] ** -0.25)

    def _features(self, x: Tensor, products: Tensor, stabiliser: Tensor, directions: Tensor) -> Tensor:
        return positive_features(x, directions, x.shape[-1] ** -0.25, products, stabiliser, self.eps)


@dataclass(frozen=True)
class ReluFeatures:
    """relu(w.x) + eps of x / d^(1/4); relu(x) + eps where there are no directions. Equation 5 and section 4.4.

    The authors' code has no directions by default, and takes x as it is: the same as eps / d^(1/4) here.
    """

    eps: float

    def queries(self, q: Tensor, directions: Tensor) -> Tensor:
        q = q * q.shape[-1] ** -0.25
        return functional.relu(q @ directions.T if len(directions) else q) + self.eps

    def keys(self, k: Tensor, directions: Tensor, context: KeyContext) -> tuple[Tensor, Tensor | None]:
        return self.queries(k, directions), None

    def start(self, k: Tensor, v: Tensor, floor: float) -> LinearState | None:
        return None


@dataclass(frozen=True)
class EfficientFeatures:
    """softmax(q) over the features, softmax(k) over the positions; exp(k) if causal. Shen et al. 2018, section 3.2."""

    def queries(self, q: Tensor, directions: Tensor) -> Tensor:
        return q.softmax(-1)

    def keys(self, k: Tensor, directions: Tensor, context: KeyContext) -> tuple[Tensor, Tensor | None]:
        if not context.causal:
            if context.valid is not None:
                k = k.masked_fill(~rearrange(context.valid, "b k -> b 1 k 1"), torch.finfo(k.dtype).min)
            return k.softmax(-2), None
        # relative to a level that begins at 0, for exp(k) alone may be too large a number
        largest = k.detach().amax(-1)
        level = running_level(largest, context).clamp(min=0.0)
        return torch.exp(k - reachable(level, largest, context.valid).unsqueeze(-1)), level

    def start(self, k: Tensor, v: Tensor, floor: float) -> LinearState | None:
        b, h, _, f = k.shape
        level = k.new_zeros(b, h)
        return LinearState(k.new_zeros(b, h, f, v.shape[-1]), k.new_full((b, h, f), floor), level)


def hide(largest: Tensor, valid: Tensor | None) -> Tensor:
    """-inf at padded keys. largest: [b h k]."""
    return largest if valid is None else largest.masked_fill(~rearrange(valid, "b k -> b 1 k"), -math.inf)


def running_level(largest: Tensor, context: KeyContext) -> Tensor:
    """The largest number so far, -inf before the first valid key. largest: [b h k] -> [b h k]."""
    level = hide(largest, context.valid).cummax(-1).values
    return level if context.before is None else torch.maximum(level, context.before.unsqueeze(-1))


def reachable(level: Tensor, largest: Tensor, valid: Tensor | None) -> Tensor:
    """A level that keeps all features finite, padded keys' too, until these are hidden. [b h k|1] -> [b h k|1]."""
    # before the first valid key there is no level yet; those keys are hidden, any finite number will do
    level = level.masked_fill(level.isinf(), 0.0)
    return level if valid is None else torch.maximum(level, largest)
