"""Checkpoints of Gemma 2 against transformers."""

from __future__ import annotations

from .family import family_test

test_gemma2 = family_test(
    "gemma2",
    {},
    {"attn_logit_softcapping": None, "final_logit_softcapping": None, "layer_types": ["full_attention"] * 3},
)
