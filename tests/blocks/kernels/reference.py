"""The kernels written slowly and obviously: every score in memory, Python loops where they help."""

from __future__ import annotations

import torch
from torch import Tensor


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    allow: Tensor,
    bias: Tensor | None = None,
    scale: float | None = None,
    softcap: float | None = None,
) -> Tensor:
    """One row at a time, over the keys that it may see and no others; a row without any is 0."""
    b, h, n, d = q.shape
    allow = allow.expand(b, h, n, k.shape[2])
    bias = torch.zeros(()) if bias is None else bias
    bias = bias.expand(b, h, n, k.shape[2])
    rows = []
    for i_b in range(b):
        for i_h in range(h):
            for i in range(n):
                seen = allow[i_b, i_h, i].nonzero()[:, 0]
                if len(seen) == 0:
                    rows.append(torch.zeros_like(v[i_b, i_h, 0]))
                    continue
                scores = k[i_b, i_h, seen] @ q[i_b, i_h, i] * (d**-0.5 if scale is None else scale)
                if softcap is not None:
                    scores = softcap * torch.tanh(scores / softcap)
                weights = torch.softmax(scores + bias[i_b, i_h, i, seen], 0)
                rows.append(weights @ v[i_b, i_h, seen])
    return torch.stack(rows).view(b, h, n, v.shape[-1])


def band(n: int, before: int, after: int) -> Tensor:
    """[n n], True where i - before <= j <= i + after."""
    return torch.tensor([[i - before <= j <= i + after for j in range(n)] for i in range(n)]).view(n, n)


def linear(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    allow: Tensor,
    den_q: Tensor | None = None,
    den_k: Tensor | None = None,
    level: Tensor | None = None,
    eps: float = 1e-6,
    guard: float = 0.0,
) -> Tensor:
    """Linear attention from the whole matrix of feature products; allow [q k]."""
    factor = torch.ones(()) if level is None else torch.exp(level[..., None, :] - level[..., :, None])
    factor = torch.where(allow, factor, 0.0)
    num = (phi_q @ phi_k.mT * factor) @ v
    den_q, den_k = phi_q if den_q is None else den_q, phi_k if den_k is None else den_k
    den = (den_q @ den_k.mT * factor).sum(-1) + eps
    den = torch.where(den.abs() <= guard, den + 2 * guard, den)
    out = [
        num[:, :, i] / den[:, :, i, None] if bool((den[:, :, i] != 0).all()) else torch.zeros_like(num[:, :, i])
        for i in range(num.shape[2])
    ]
    return torch.stack(out, 2)
