"""Checkpoints of DistilBERT against transformers."""

from __future__ import annotations

from .encoder import Try, each, encoder_test

test_distilbert = encoder_test(
    "distilbert",
    [
        *each("distilbert"),
        Try("DistilBertForMaskedLM", {"activation": "relu", "tie_word_embeddings": False}),
        Try("DistilBertForQuestionAnswering", {"qa_dropout": 0.3}),
    ],
)
