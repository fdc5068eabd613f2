"""Checkpoints of Falcon against transformers."""

from __future__ import annotations

from typing import Any

from .family import family_test

RW = {"new_decoder_architecture": False, "parallel_attn": False, "alibi": True, "multi_query": False, "bias": True}


def once(model: Any) -> None:
    """The eager code of transformers 5.23 adds linear biases twice, to the mask and to the scores."""
    model.config._attn_implementation = "sdpa"


test_falcon = family_test(
    "falcon",
    {},
    {"num_ln_in_parallel_attn": 1, "tie_word_embeddings": False},
    {"new_decoder_architecture": False, "num_kv_heads": None},
    {"new_decoder_architecture": False, "multi_query": False, "num_kv_heads": 4, "parallel_attn": False},
)
test_falcon_rw = family_test(
    "falcon", {**RW, "hidden_size": 32, "num_kv_heads": 16, "num_attention_heads": 16}, every=once
)
