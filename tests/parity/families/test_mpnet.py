"""Checkpoints of MPNet against transformers."""

from __future__ import annotations

from .encoder import Try, each, encoder_test, same_bias

BIAS, DECODER = "lm_head.bias", "lm_head.decoder"
test_mpnet = encoder_test("mpnet", [*each("mpnet"), Try("MPNetForMaskedLM", {"hidden_act": "relu"})])
test_untied = encoder_test(
    "mpnet", [Try("MPNetForMaskedLM", {"tie_word_embeddings": False}, (BIAS,))], prepare=same_bias(BIAS, DECODER)
)
