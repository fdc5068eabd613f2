"""Checkpoints of ALBERT against transformers."""

from __future__ import annotations

from .encoder import Try, each, encoder_test, same_bias
from .test_electra import counted

GROUPS = Try("AlbertForMaskedLM", {"num_hidden_groups": 2, "hidden_act": "relu", "type_vocab_size": 1})
WIDE = Try("AlbertModel", {"num_hidden_groups": 3, "embedding_size": 12})
BIAS, DECODER = "predictions.bias", "predictions.decoder"
test_albert = encoder_test("albert", [*each("albert"), GROUPS, WIDE], make_cases=counted)
test_untied = encoder_test(
    "albert",
    [Try("AlbertForMaskedLM", {"tie_word_embeddings": False}, (BIAS,))],
    make_cases=counted,
    prepare=same_bias(BIAS, DECODER),
)
