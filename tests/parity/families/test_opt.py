"""Checkpoints of OPT against transformers."""

from __future__ import annotations

from .family import family_test

test_opt = family_test(
    "opt",
    {},
    {"do_layer_norm_before": False, "word_embed_proj_dim": 6},
    {"_remove_final_layer_norm": True, "layer_norm_elementwise_affine": False, "enable_bias": False},
)
