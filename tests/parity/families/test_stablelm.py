"""Checkpoints of StableLM against transformers."""

from __future__ import annotations

from .family import family_test

test_stablelm = family_test(
    "stablelm",
    {},
    {"qk_layernorm": False, "use_parallel_residual": False, "use_qkv_bias": True, "partial_rotary_factor": 0.25},
)
