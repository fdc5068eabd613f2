"""Checkpoints of BigBird against transformers, on inputs so short that they get full attention.

Random blocks are held against the reference in tests/parity, since transformers has none in evaluation.
"""

from __future__ import annotations

from .encoder import Try, each, encoder_test

POOLER = ("bert.pooler.",)
IDLE = dict.fromkeys(
    ("BigBirdForMaskedLM", "BigBirdForSequenceClassification", "BigBirdForTokenClassification"), POOLER
)
CHANGED = {"attention_type": "original_full", "rescale_embeddings": True, "hidden_act": "gelu"}
test_bigbird = encoder_test("bigbird", [*each("bigbird", idle=IDLE), Try("BigBirdForPreTraining", CHANGED)])
