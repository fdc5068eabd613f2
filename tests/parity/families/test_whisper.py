"""Checkpoints of Whisper against transformers."""

from __future__ import annotations

from typing import Any

import torch

from .family import Case, family_test


def sounds(reference: Any) -> list[Case]:
    """A spectrogram of the full length, and the start of a text."""
    config = reference.config
    dice = torch.Generator().manual_seed(3)
    sound = torch.randn(2, config.num_mel_bins, 2 * config.max_source_positions, generator=dice)
    tokens = torch.randint(config.vocab_size, (2, 4), generator=dice)
    theirs = {"input_features": sound, "decoder_input_ids": tokens}
    return [Case("plain", theirs, {"tokens": tokens, "source": sound})]


IDS = {
    "decoder_start_token_id": 1,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "begin_suppress_tokens": None,
}
SAME = {"decoder_layers": 2, "decoder_attention_heads": 2, "decoder_ffn_dim": 24}
test_whisper = family_test("whisper", IDS, {**IDS, **SAME, "activation_function": "relu"}, make_cases=sounds)
