"""Families of encoders: one table for several heads, each of which says something else.

    test_bert = encoder_test("bert", [*each("bert"), Try("BertForMaskedLM", {"hidden_act": "relu"})])

tries the table's tiny settings with each of its architectures, and its masked language model with a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import torch
from torch import Tensor

from registry.catalog import Catalog
from registry.pretrained import find_conversion

from .family import Case, Family

CLASSES = 5
MakeCases: TypeAlias = Callable[[Any], list[Case]]
Test: TypeAlias = Callable[..., None]


@dataclass(frozen=True)
class EncoderFamily(Family):
    """A family whose architecture says which head there is."""

    def said(self, out: Any) -> dict[str, Tensor]:
        if "start_logits" in out:
            return {"logits": torch.stack([out.start_logits, out.end_logits], dim=-1)}
        names = {
            "logits": next(name for name in ("prediction_logits", "logits", "last_hidden_state") if name in out),
            "nsp": "seq_relationship_logits",
            "pooled": "pooler_output",
            "class": "cls_logits",
            "distilled": "distillation_logits",
        }
        return {ours: out[name] for ours, name in names.items() if name in out}


@dataclass(frozen=True)
class Try:
    """One thing to try: an architecture, and changes of the tiny settings. idle: as in `Family`."""

    architecture: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    idle: tuple[str, ...] = ()


def each(kind: str, *, without: Sequence[str] = (), idle: Mapping[str, tuple[str, ...]] | None = None) -> list[Try]:
    """The table's tiny settings with each of its architectures but those in `without`. idle: by architecture."""
    found = []
    for name in find_conversion(Catalog.load(), kind).architectures:
        classes = {"num_labels": CLASSES} if "Classification" in name else {}
        if name not in without:
            found.append(Try(name, classes, (idle or {}).get(name, ())))
    return found


def encoder_test(kind: str, tries: Sequence[Try], *, make_cases: MakeCases | None = None, **how: Any) -> Test:
    """A test for pytest: `Family.check` for each of these."""
    make = make_cases or (lambda reference: list(encoder_cases(reference)))
    families = [EncoderFamily(kind, t.changes, t.architecture, idle=t.idle, make_cases=make, **how) for t in tries]

    @pytest.mark.parity
    @pytest.mark.parametrize("family", families, ids=[f"{t.architecture} {dict(t.changes) or ''}" for t in tries])
    def test_family(family: Family, tmp_path: Path) -> None:
        family.check(tmp_path)

    return test_family


def encoder_cases(reference: Any) -> Iterator[Case]:
    """Tokens without padding, padded on the right, and on the left; of two kinds where there are two."""
    config, dice = reference.config, torch.Generator().manual_seed(1)
    tokens = torch.randint(3, config.vocab_size, (3, 11), generator=dice)
    types = torch.randint(2, tokens.shape, generator=dice)
    kinds = getattr(config, "type_vocab_size", 0) > 1
    right = torch.arange(11) < torch.tensor([11, 7, 4]).unsqueeze(1)
    masks = {"plain": torch.ones_like(right), "padded on the right": right}
    # elsewhere the reference reads what stands in the first place, padding or not
    if type(reference).__name__.endswith(("MaskedLM", "TokenClassification", "QuestionAnswering")):
        masks["padded on the left"] = right.flip(1)
    for name, valid in masks.items():
        read = tokens.where(valid, config.pad_token_id)
        theirs, ours = {"input_ids": read}, {"tokens": read}
        if kinds:
            theirs, ours = {**theirs, "token_type_ids": types}, {**ours, "types": types}
        if not bool(valid.all()):
            theirs, ours = {**theirs, "attention_mask": valid.long()}, {**ours, "valid": valid}
            # others count tokens that are not padding by themselves
            if config.model_type in ("bert", "big_bird", "distilbert"):
                theirs["position_ids"] = (valid.long().cumsum(1) - 1).clamp(min=0)
        yield Case(name, theirs, ours, valid)


def same_bias(bias: str, decoder: str) -> Callable[[Any], None]:
    """For an untied head: the reference has two biases, of which older files hold one, and reads the decoder's."""

    def prepare(reference: Any) -> None:
        with torch.no_grad():
            reference.get_parameter(bias).copy_(reference.get_parameter(f"{decoder}.bias"))

    return prepare
