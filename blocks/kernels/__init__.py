"""Attention as pure functions of tensors: no positions, no mask objects, no modules.

q, k and v are [b h n d]; a boolean mask is True where a key is visible; a row that sees nothing is 0.
"""

from blocks.kernels.band import band_attention
from blocks.kernels.dense import dense_attention, dense_weights
from blocks.kernels.linear import LinearState, causal_linear_attention, linear_attention, step
from blocks.kernels.union import KeySet, union_attention

__all__ = [
    "KeySet",
    "LinearState",
    "band_attention",
    "causal_linear_attention",
    "dense_attention",
    "dense_weights",
    "linear_attention",
    "step",
    "union_attention",
]
