"""Checkpoints of ELECTRA against transformers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blocks.conversion.electra import Electra
from registry.checkpoint_errors import CheckpointError

from .encoder import Try, each, encoder_cases, encoder_test
from .family import Case


def counted(reference: Any) -> list[Case]:
    """transformers counts padding among the positions unless it is told them."""
    cases = list(encoder_cases(reference))
    for number, case in enumerate(cases):
        if (mask := case.theirs.get("attention_mask")) is not None:
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            cases[number] = replace(case, theirs={**case.theirs, "position_ids": positions})
    return cases


CHANGED = Try("ElectraForMaskedLM", {"tie_word_embeddings": False, "hidden_act": "relu", "type_vocab_size": 1})
test_electra = encoder_test("electra", [*each("electra"), CHANGED], make_cases=counted)


def test_embeddings_of_another_width_are_refused() -> None:
    with pytest.raises(CheckpointError, match=r"embedding_size 8 is not implemented, only hidden_size \(12\)"):
        Electra().spec({**Electra.tiny, "embedding_size": 8})
