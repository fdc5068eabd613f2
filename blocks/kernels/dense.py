"""Softmax attention in which every query may see every key: the plain kernel, and the one for inspection.

    score = softcap(scale * q.k) + bias,    out = softmax(score where allowed) v

A row that may see nothing has output 0 and gradient 0, never NaN.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from blocks.kernels.flash import additive, fusable, rows_in_memory, spread


def dense_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    allow: Tensor | None = None,
    bias: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
    softcap: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Attention of every query over the allowed keys.

    `causal` is aligned to the end: the last query sees the last key. `scale` is d ** -0.5 when None. `softcap` c turns
    a score s into c * tanh(s / c). `bias` must be finite. `dropout` drops attention weights (pass 0 in evaluation).

    Shapes: q [b h q d], k [b h k d], v [b h k d], allow (True = visible) and bias [b|1 h|1 q|1 k] -> [b h q d].
    """
    if softcap is not None:
        weights = dense_weights(q, k, allow=allow, bias=bias, causal=causal, scale=scale, softcap=softcap)
        return F.dropout(weights, dropout) @ v
    n_q, n_k = q.shape[2], k.shape[2]
    causal = causal and n_q > 1
    masked = allow is not None or bias is not None
    if causal and n_q == n_k and (not masked or _fused_with_mask(q, k, v, bias, dropout)):
        if not masked:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout, scale=scale)
        mask = additive(allow, bias, q.dtype)
        assert mask is not None
        return _causal_masked(q, k, v, mask, scale)
    if causal:
        below = causal_allow(n_q, n_k, q.device)
        allow = below if allow is None else allow & below
    # float64 scores with a float32 mask are silently wrong in the fused kernel, so the mask takes the dtype of q.
    mask = allow if bias is None else additive(allow, bias, q.dtype)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, scale=scale)


def dense_weights(
    q: Tensor,
    k: Tensor,
    *,
    allow: Tensor | None = None,
    bias: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
    softcap: float | None = None,
) -> Tensor:
    """The attention probabilities, [b h q k]; the arguments are those of `dense_attention`.

    Shapes: q [b h q d], k [b h k d], allow and bias [b|1 h|1 q|1 k] -> [b h q k].
    """
    scores = torch.einsum("b h q d, b h k d -> b h q k", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    if causal and q.shape[2] > 1:
        below = causal_allow(q.shape[2], k.shape[2], q.device)
        allow = below if allow is None else allow & below
    return scores.softmax(-1) if allow is None else masked_softmax(scores, allow)


def masked_softmax(scores: Tensor, allow: Tensor) -> Tensor:
    """Softmax over the allowed entries of the last axis; a row without any is 0 and so is its gradient."""
    empty = ~allow.any(-1, keepdim=True)
    # An empty row keeps its finite scores until the end: softmax of -inf alone would be NaN, and 0 * NaN its gradient.
    weights = scores.masked_fill(~(allow | empty), -torch.inf).softmax(-1)
    return weights.masked_fill(~allow, 0.0)


def causal_allow(n_q: int, n_k: int, device: torch.device) -> Tensor:
    """[q k], True where key k is no later than query q, when the last query and the last key coincide."""
    return torch.ones(n_q, n_k, dtype=torch.bool, device=device).tril(n_k - n_q)


def _fused_with_mask(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, dropout: float) -> bool:
    learned = bias is not None and bias.requires_grad and torch.is_grad_enabled()
    return dropout == 0.0 and not learned and fusable(q, k, v)


def _causal_masked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float | None) -> Tensor:
    # The public function refuses is_causal with a mask; the kernel below it takes both and skips half the work.
    mask = spread(mask, 4, q.shape[2], k.shape[2])
    q, k, v = (rows_in_memory(tensor) for tensor in (q, k, v))
    out: Tensor = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        q, k, v, attn_mask=mask, is_causal=True, scale=scale
    )[0]
    return out
