"""Checkpoints of ELECTRA against transformers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

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
test_small = encoder_test(
    "electra",
    [Try(f"Electra{name}", {"embedding_size": 8}) for name in ("ForMaskedLM", "ForSequenceClassification", "Model")],
    make_cases=counted,
)
