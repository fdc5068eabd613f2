"""Feature maps of linear attention, with gradients that need little more than the features themselves."""

from __future__ import annotations

import math
from typing import Any

import torch
from einops import rearrange
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from blocks.kernels.scan import without_autocast

_BLOCK = 1 << 18
"""How many features are worked on at a time: temporaries of that size stay in the processor's cache."""


def elu_features(x: Tensor) -> Tensor:
    """elu(x) + 1. Shapes: x [b h n d] -> [b h n d]."""
    return _EluFeatures.apply(x)  # type: ignore[no-any-return, no-untyped-call]


def random_products(x: Tensor, directions: Tensor, scale: float) -> Tensor:
    """w.x of scaled x, constants for the gradient. Shapes: x [b h n d], directions w [f d] -> [b h n f]."""
    with torch.no_grad(), without_autocast(x.device.type):
        return (x.to(directions.dtype) @ (directions * scale).T).contiguous()


def positive_features(
    x: Tensor, directions: Tensor, scale: float, products: Tensor, stabiliser: Tensor, eps: float
) -> Tensor:
    """(exp(w.x - |x|^2 / 2 - stabiliser) + eps) / sqrt(f) of scaled x, with a gradient of x alone.

    `products` are the `random_products` of the same x; the result takes over their memory.

    Shapes: x [b h n d], directions w [f d], products [b h n f], stabiliser [b h n|1 1] -> [b h n f].
    """
    x = x.to(directions.dtype).contiguous()
    root = directions.shape[0] ** -0.5
    with torch.no_grad(), without_autocast(x.device.type):
        half_square = x.square().sum(-1, keepdim=True).mul_(scale**2 / 2)
        shift = half_square + (stabiliser - math.log(root))
        for part, by in zip(_parts(products), _parts(shift, products.shape[-1]), strict=True):
            part.sub_(by).exp_().add_(eps * root)
    return _PositiveFeatures.apply(x, directions, scale, products, eps * root)  # type: ignore[no-any-return, no-untyped-call]


def _parts(t: Tensor, features: int | None = None) -> tuple[Tensor, ...]:
    """Rows of t, a view where t is contiguous: as many at a time as make a block of features. t: [b h n f]."""
    return torch.split(rearrange(t, "b h n f -> (b h n) f"), max(1, _BLOCK // (features or t.shape[-1])))


class _EluFeatures(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        # heads apart in memory, as the sums want them
        features = functional.elu(x.clone(memory_format=torch.contiguous_format), inplace=True).add_(1)
        ctx.save_for_backward(features)
        return features

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        # the slope is 1 from 0 on, where the features are at least 1, and the features themselves below
        return features.clamp(max=1).mul_(g)


class _PositiveFeatures(torch.autograd.Function):
    """Features that are known already; the gradient of the exponents is g * (features - eps)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, directions: Tensor, scale: float, features: Tensor, eps: float) -> Tensor:
        ctx.save_for_backward(x, directions, features)
        ctx.scale, ctx.eps = scale, eps
        return features.view_as(features)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, directions, features = ctx.saved_tensors
        directions, to_x = directions * ctx.scale, torch.empty_like(x)
        parts = [_parts(t, features.shape[-1]) for t in (x, features, g, to_x)]
        with without_autocast(g.device.type):
            for x_part, features_part, g_part, to in zip(*parts, strict=True):
                g_part = features_part.sub(ctx.eps).mul_(g_part)
                torch.mm(g_part, directions, out=to)
                to.addcmul_(x_part, g_part.sum(-1, keepdim=True), value=-(ctx.scale**2))
        return to_x, None, None, None, None
