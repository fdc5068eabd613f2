"""Checkpoints of XGLM against transformers."""

from __future__ import annotations

from .family import family_test

test_xglm = family_test(
    "xglm",
    {},
    {"scale_embedding": False, "tie_word_embeddings": False, "activation_function": "relu"},
)
