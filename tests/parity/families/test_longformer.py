"""Checkpoints of Longformer against transformers."""

from __future__ import annotations

from typing import Any

import torch

from .encoder import Try, each, encoder_cases, encoder_test
from .family import Case


def cases(reference: Any) -> list[Case]:
    """With the global tokens that the architecture has by itself, and with others."""
    usual = list(encoder_cases(reference))
    marked = torch.zeros(3, 11, dtype=torch.bool)
    marked[0, :2] = marked[1, 5] = True
    others = [
        Case(
            f"{case.name}, with global tokens",
            {**case.theirs, "global_attention_mask": marked.long()},
            {**case.ours, "globals": marked},
            case.valid,
        )
        for case in usual
    ]
    # by itself it would look for the end of a question
    return others if type(reference).__name__.endswith("QuestionAnswering") else [*usual, *others]


test_longformer = encoder_test(
    "longformer", [*each("longformer"), Try("LongformerForMaskedLM", {"attention_window": 4})], make_cases=cases
)
