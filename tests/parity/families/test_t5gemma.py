"""Checkpoints of T5Gemma against transformers."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.conversion.t5gemma import T5Gemma
from registry.checkpoint_errors import CheckpointError

from .family import family_test

IDS = {"decoder_start_token_id": 2}
ENCODER, DECODER = T5Gemma.tiny["encoder"], T5Gemma.tiny["decoder"]
TYPED = {
    "encoder": {**ENCODER, "layer_types": ["full_attention"] * 3},
    "decoder": {**DECODER, "layer_types": ["sliding_attention"] * 2},
}
OTHER = {"attn_logit_softcapping": None, "final_logit_softcapping": None, "attention_bias": True}
PLAIN = {"encoder": {**ENCODER, **OTHER}, "decoder": {**DECODER, **OTHER}}
UNTIED = {"tie_word_embeddings": False}


def as_released(reference: Any) -> None:
    """The encoder's window as the released code has it: transformers 5 counts its own token besides."""
    encoder = reference.model.encoder

    def narrow(module: Any, args: Any, kwargs: Any) -> None:
        module.config.sliding_window -= 1

    def widen(module: Any, args: Any, kwargs: Any, out: Any) -> None:
        module.config.sliding_window += 1

    encoder.register_forward_pre_hook(narrow, with_kwargs=True)
    encoder.register_forward_hook(widen, with_kwargs=True)


test_t5gemma = family_test("t5gemma", IDS, {**IDS, **TYPED}, {**IDS, **PLAIN}, {**IDS, **UNTIED}, every=as_released)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"encoder": {**ENCODER, "hidden_size": 24}}, "hidden_size is not the same in the encoder and the decoder"),
        ({"encoder": {**ENCODER, "is_gated": True}}, "is_gated: True is not known"),
    ],
)
def test_what_the_sides_do_not_share_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(CheckpointError, match=says):
        T5Gemma().spec({**T5Gemma.tiny, **changed})
