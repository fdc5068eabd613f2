"""Checkpoints of T5 against transformers: v1.1 with a matrix of its own, v1.0 tied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from blocks.conversion.t5 import T5
from registry import load_pretrained

from .family import family_test, theirs


def untie(reference: Any) -> None:
    """Published v1.1 checkpoints hold an output matrix of their own; transformers 5 builds every T5 with a tied one."""
    reference.lm_head.weight = nn.Parameter(torch.randn_like(reference.shared.weight))


test_v1_1 = family_test("t5", {"decoder_start_token_id": 0}, prepare=untie)
test_v1_0 = family_test(
    "t5",
    {"tie_word_embeddings": True, "feed_forward_proj": "relu", "num_decoder_layers": None, "decoder_start_token_id": 0},
    {"tie_word_embeddings": True, "feed_forward_proj": "gated-silu", "decoder_start_token_id": 0},
)


@pytest.mark.parity
@torch.no_grad()
def test_mt5(tmp_path: Path) -> None:
    """mT5 is T5 v1.1 under a name of its own; the published config.json says, as this one no longer does, untied."""
    with theirs():
        import transformers

        config = transformers.MT5Config(**T5.tiny, decoder_start_token_id=0)
        reference = transformers.MT5ForConditionalGeneration(config).double().eval()
        untie(reference)
        reference.save_pretrained(tmp_path)
        said = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps({**said, "tie_word_embeddings": False}))
        tokens = torch.arange(1, 8).unsqueeze(0)
        want = reference(input_ids=tokens, decoder_input_ids=tokens[:, :3]).logits
    got = load_pretrained(tmp_path)(tokens[:, :3], source=tokens)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-9 * float(want.abs().max()))
