"""Checkpoints of T5 against transformers: v1.1 with a matrix of its own, v1.0 tied."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .family import family_test


def untie(reference: Any) -> None:
    """Published v1.1 checkpoints hold an output matrix of their own; transformers 5 builds every T5 with a tied one."""
    reference.lm_head.weight = nn.Parameter(torch.randn_like(reference.shared.weight))


test_v1_1 = family_test("t5", {"decoder_start_token_id": 0}, prepare=untie)
test_v1_0 = family_test(
    "t5",
    {"tie_word_embeddings": True, "feed_forward_proj": "relu", "num_decoder_layers": None, "decoder_start_token_id": 0},
    {"tie_word_embeddings": True, "feed_forward_proj": "gated-silu", "decoder_start_token_id": 0},
)
