"""Checkpoints of VaultGemma against transformers."""

from __future__ import annotations

from .family import family_test

test_vaultgemma = family_test(
    "vaultgemma",
    {},
    {"layer_types": ["full_attention"] * 3, "attn_logit_softcapping": None, "final_logit_softcapping": None},
    {"attention_bias": True, "hidden_activation": "silu"},
)
