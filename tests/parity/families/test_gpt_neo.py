"""Checkpoints of GPT-Neo against transformers."""

from __future__ import annotations

from .family import family_test

test_gpt_neo = family_test(
    "gpt_neo", {}, {"attention_types": [[["global", "local"], 1]], "num_layers": 2, "intermediate_size": None}
)
