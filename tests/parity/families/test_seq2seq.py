"""Checkpoints of BART and of its relatives against transformers."""

from __future__ import annotations

from typing import Any

import torch

from blocks.position.sinusoidal import sinusoids

from .family import Case, family_test


def right_padded(reference: Any) -> list[Case]:
    """Source and target; the reference counts padding on the left as positions, so there is none."""
    config = reference.config
    dice = torch.Generator().manual_seed(1)
    tokens = torch.randint(3, config.vocab_size, (3, 9), generator=dice)
    target = torch.cat([torch.full_like(tokens[:, :1], config.decoder_start_token_id), tokens[:, 2:5]], 1)
    valid = torch.arange(9) < torch.tensor([9, 6, 3]).unsqueeze(1)
    return [
        Case("plain", {"input_ids": tokens, "decoder_input_ids": target}, {"tokens": target, "source": tokens}),
        Case(
            "padded",
            {"input_ids": tokens.masked_fill(~valid, config.pad_token_id)}
            | {"attention_mask": valid.long(), "decoder_input_ids": target},
            {"tokens": target, "source": tokens, "source_valid": valid},
        ),
    ]


def exact(reference: Any) -> None:
    """Sinusoids in float64: the reference makes them in float32."""
    for side in (reference.model.encoder, reference.model.decoder):
        table = side.embed_positions.weight
        table.data.copy_(sinusoids(torch.arange(len(table)).double(), table.shape[1], layout="halves"))


def biased(reference: Any) -> None:
    """A bias for each token of the vocabulary, which only checkpoints of Marian have in earnest."""
    reference.final_logits_bias.normal_()


def bias_only(reference: Any) -> int:
    """The bias is a buffer there."""
    return int(reference.final_logits_bias.numel())


def bias_without_sinusoids(reference: Any) -> int:
    """The bias is a buffer there, and the sinusoids are frozen parameters."""
    sides = (reference.model.encoder, reference.model.decoder)
    return bias_only(reference) - sum(side.embed_positions.weight.numel() for side in sides)


SAME = {"decoder_layers": 2, "decoder_attention_heads": 2, "decoder_ffn_dim": 20, "scale_embedding": False}
LEARNED = {"prepare": biased, "more": bias_only, "make_cases": right_padded}
FIXED = {"prepare": biased, "every": exact, "more": bias_without_sinusoids, "make_cases": right_padded}
test_bart = family_test("bart", {}, SAME, **LEARNED)
test_mbart = family_test("mbart", {}, SAME, **LEARNED)
test_blenderbot = family_test("blenderbot", {}, SAME, **LEARNED)
test_pegasus = family_test("pegasus", {}, SAME, **FIXED)
test_marian = family_test("marian", {}, SAME, **FIXED)
test_m2m_100 = family_test("m2m_100", {}, SAME, make_cases=right_padded)
