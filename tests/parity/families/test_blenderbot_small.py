"""Checkpoints of BlenderBot small against transformers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .family import family_test
from .test_seq2seq import LEARNED, SAME


def scaled(reference: Any) -> None:
    """transformers 5 has lost the factor of the decoder's embedding, which its norm all but undoes."""
    decoder = reference.model.decoder

    def scale(module: Any, args: tuple[Tensor]) -> tuple[Tensor]:
        return (args[0] * decoder.embed_scale,)

    decoder.layernorm_embedding.register_forward_pre_hook(scale)


test_blenderbot_small = family_test("blenderbot_small", {}, SAME, every=scaled, **LEARNED)
