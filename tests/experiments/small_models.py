"""Small models of every topology, with random weights in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from experiments.start.filling import fill
from experiments.start.match import Match, match
from experiments.start.options import InitFrom
from experiments.start.source import Source
from experiments.start.vocabulary import UNKNOWN, Vocabulary
from registry import assemble

SMALL: dict[str, Any] = {"dim": 16, "layers": 2, "heads": 2, "vocab": 13, "position": {"kind": "learned", "length": 12}}


def made(topology: str, seed: int = 0, **options: Any) -> Any:
    """A model in evaluation mode; every weight is a random number, those of norms and biases too."""
    torch.manual_seed(seed)
    model = assemble({"topology": topology, **SMALL, **options}).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn_like(parameter))
    return model


def started(
    target: nn.Module,
    model: nn.Module,
    vocabularies: tuple[Vocabulary, Vocabulary] = (UNKNOWN, UNKNOWN),
    **options: Any,
) -> tuple[Match, Mapping[str, str]]:
    """Fill a model from another one. vocabularies: of the one that is filled, and of the other."""
    start = InitFrom("somewhere", **options)
    source = Source(model, "somewhere", "0" * 16, vocabularies[1])
    found = match(target, model, start)
    return found, fill(target, source, found, start, vocabularies[0])


def tokens(rows: int = 3, length: int = 9) -> torch.Tensor:
    return torch.randint(13, (rows, length), generator=torch.Generator().manual_seed(1))
