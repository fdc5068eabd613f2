"""Checkpoints of ModernBERT against transformers."""

from __future__ import annotations

from .encoder import Try, each, encoder_test

BIASED = {"attention_bias": True, "mlp_bias": True, "norm_bias": True, "classifier_bias": True, "decoder_bias": False}
LAYERS = {"layer_types": ["sliding_attention", "full_attention", "full_attention", "sliding_attention"]}
test_modernbert = encoder_test(
    "modernbert",
    [*each("modernbert"), Try("ModernBertForMaskedLM", BIASED), Try("ModernBertForMaskedLM", LAYERS)],
)
