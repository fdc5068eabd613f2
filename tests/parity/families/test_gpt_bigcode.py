"""Checkpoints of GPT-BigCode against transformers."""

from __future__ import annotations

from .family import family_test

test_gpt_bigcode = family_test("gpt_bigcode", {}, {"multi_query": False, "scale_attn_weights": False, "n_inner": None})
