"""Linear attention on features that are already computed: the same sum in three forms.

    out_i = num_i / (den_i + eps),  num_i = sum_j w_ij (phi_q_i . phi_k_j) v_j,  den_i = sum_j w_ij (phi_q_i . phi_k_j)

over all keys (`linear_attention`), over the keys j <= i in chunks (`causal_linear_attention`: quadratic inside a chunk,
a running state between chunks), or token by token (`step`). w_ij = exp(level_j - level_i), or 1 without levels:
features that are written relative to a running, non-decreasing log-level never overflow and never look ahead.
A padded key has zero features. Where den_i + eps is 0, nothing has been seen and the output is 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from blocks.kernels.scan import causal_sums, reciprocal, with_ones, without_autocast
from blocks.kernels.whole import all_sums


@dataclass(frozen=True)
class LinearState:
    """What all past keys amount to: sums of phi_k v and of phi_k, relative to the log-level of the last key.

    Shapes: s [b h f m], z [b h f], level [b h] or None.
    """

    s: Tensor
    z: Tensor
    level: Tensor | None = None

    def select(self, rows: Tensor) -> LinearState:
        """The state of the given rows of the batch, in the given order."""
        level = None if self.level is None else self.level[rows]
        return replace(self, s=self.s[rows], z=self.z[rows], level=level)


def linear_attention(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    *,
    den_q: Tensor | None = None,
    den_k: Tensor | None = None,
    eps: float = 1e-6,
    guard: float = 0.0,
) -> Tensor:
    """Every query over all keys. `den_q` and `den_k` replace the features in the denominator alone.

    guard: 2 guard is added to where den_i + eps is at most guard.

    Shapes: phi_q [b h q f], phi_k [b h k f], v [b h k d], den_q and den_k [b h q|k f] -> [b h q d].
    """
    if den_q is None and den_k is None:
        return all_sums(phi_q, phi_k, v, eps, guard)
    den_q, den_k = phi_q if den_q is None else den_q, phi_k if den_k is None else den_k
    den = torch.einsum("b h q f, b h f -> b h q", den_q, den_k.sum(2))
    return phi_q @ (phi_k.mT @ v) * reciprocal(den, eps, guard).unsqueeze(-1)


def causal_linear_attention(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    *,
    den_q: Tensor | None = None,
    den_k: Tensor | None = None,
    level: Tensor | None = None,
    eps: float = 1e-6,
    floor: float = 0.0,
    guard: float = 0.0,
    chunk: int = 96,
    state: LinearState | None = None,
) -> tuple[Tensor, LinearState]:
    """Every query over the keys up to its own, after those of `state`; also the state after the last key.

    `level` never decreases along n, nor from the state's; it is a constant for the gradient (a common factor of
    numerator and denominator). Numerically too, out_i depends on nothing after i. `floor` is added to every sum of
    phi_k in the denominator: an eps that weighs the same however large the features of the query are. `guard` is as
    in `linear_attention`, in units of the level.

    Shapes: phi_q and phi_k [b h n f], v [b h n d], den_q and den_k [b h n f], level [b h n] -> [b h n d].
    """
    out = causal_outputs(
        phi_q, phi_k, v,
        den_q=den_q, den_k=den_k, level=level, eps=eps, floor=floor, guard=guard, chunk=chunk, state=state
    )  # fmt: skip
    return out, _state_after(phi_k, phi_k if den_k is None else den_k, v, level, state)


def causal_outputs(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    *,
    den_q: Tensor | None = None,
    den_k: Tensor | None = None,
    level: Tensor | None = None,
    eps: float = 1e-6,
    floor: float = 0.0,
    guard: float = 0.0,
    chunk: int = 96,
    state: LinearState | None = None,
) -> Tensor:
    """The first result of `causal_linear_attention`, where nobody asks for the state after the last key."""
    if (den_q is None) != (den_k is None):
        raise ValueError("den_q and den_k are given together or not at all")
    if v.shape[2] == 0:
        return v
    level, start = _levels(level, state)
    if den_q is None or den_k is None:
        s = None if state is None else torch.cat([state.s, state.z.unsqueeze(-1)], -1)
        return causal_sums(phi_q, phi_k, with_ones(v), level, s, start, chunk=chunk, eps=eps, floor=floor, guard=guard)
    s, z = (None, None) if state is None else (state.s, state.z.unsqueeze(-1))
    num = causal_sums(phi_q, phi_k, v, level, s, start, chunk=chunk)
    den = causal_sums(den_q, den_k, torch.ones_like(v[..., :1]), level, z, start, chunk=chunk).squeeze(-1)
    den = den + floor * den_q.sum(-1) if floor else den
    return num * reciprocal(den, eps, guard).unsqueeze(-1)


def _state_after(
    phi_k: Tensor, den_k: Tensor, v: Tensor, level: Tensor | None, state: LinearState | None
) -> LinearState:
    if v.shape[2] == 0 and state is not None:
        return state
    level, start = _levels(level if v.shape[2] else None, state)
    dtype = torch.promote_types(phi_k.dtype, torch.float32)
    phi_k, den_k, v = phi_k.to(dtype), den_k.to(dtype), v.to(dtype)
    if level is not None and start is not None:
        share = torch.exp(level - level[..., -1:]).unsqueeze(-1)
        phi_k, den_k = phi_k * share, den_k * share
    with without_autocast(v.device.type):
        s, z = phi_k.mT @ v, den_k.sum(2)
    if level is None or start is None:
        return LinearState(s, z) if state is None else LinearState(state.s + s, state.z + z)
    # a view would keep the levels of all keys in memory
    now = level[..., -1].clone()
    if state is not None:
        fade = torch.exp(start - now).unsqueeze(-1)
        s, z = s + state.s * fade.unsqueeze(-1), z + state.z * fade
    return LinearState(s, z, now)


def step(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    state: LinearState | None,
    *,
    den_q: Tensor | None = None,
    den_k: Tensor | None = None,
    level: Tensor | None = None,
    eps: float = 1e-6,
    floor: float = 0.0,
    guard: float = 0.0,
) -> tuple[Tensor, LinearState]:
    """One token (or a few) after `state`: `causal_linear_attention` without the chunks, for decoding."""
    if state is None or phi_q.shape[2] != 1 or torch.is_grad_enabled():
        return causal_linear_attention(
            phi_q, phi_k, v, den_q=den_q, den_k=den_k, level=level, eps=eps, floor=floor, guard=guard, state=state
        )  # fmt: skip
    den_q, den_k = phi_q if den_q is None else den_q, phi_k if den_k is None else den_k
    s, z, now = state.s, state.z, None
    level, start = _levels(level, state)
    if level is not None and start is not None:
        now = level[..., 0]
        fade = torch.exp(start - now).unsqueeze(-1)
        s, z = s * fade.unsqueeze(-1), z * fade
    s, z = s + phi_k.mT * v, z + den_k[:, :, 0]
    num, den = phi_q @ s, (den_q * (z + floor).unsqueeze(2)).sum(-1)
    return num * reciprocal(den, eps, guard).unsqueeze(-1), LinearState(s, z, now)


def _levels(level: Tensor | None, state: LinearState | None) -> tuple[Tensor | None, Tensor | None]:
    """The levels of the keys [b h n] and of the state [b h], finite: -inf, before any key, becomes very low."""
    before = None if state is None else state.level
    if level is None:
        if before is not None:
            raise ValueError("the state has a level but the keys have none")
        return None, None
    lowest = torch.finfo(level.dtype).min / 4
    level = level.detach().clamp(min=lowest)
    return level, level[..., 0] if before is None else before.clamp(min=lowest)
