"""Choosing one token from logits."""

from __future__ import annotations

import torch
from torch import Tensor

from blocks.generation.decoding import Decoding


def choose(logits: Tensor, decoding: Decoding, generator: torch.Generator | None = None) -> Tensor:
    """The likeliest token, the first of equals, or with a temperature a drawn one. logits: [b v] -> int [b]."""
    if decoding.temperature == 0.0:
        return logits.argmax(-1)
    chances = probabilities(logits, decoding.temperature, top_k=decoding.top_k, top_p=decoding.top_p)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]


def probabilities(logits: Tensor, temperature: float, *, top_k: int | None, top_p: float | None) -> Tensor:
    """softmax(logits / temperature) over the tokens that top_k and top_p leave, 0 elsewhere. [b v] -> [b v].

    Of equally likely tokens the first come first. At least one token is left.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    # the largest becomes 0, so that no temperature overflows
    chances = ((logits - logits.amax(-1, keepdim=True)) / temperature).softmax(-1)
    if top_k is None and top_p is None:
        return chances
    sorted_chances, order = chances.sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        sorted_chances[:, top_k:] = 0.0
    if top_p is not None:
        reached = sorted_chances.cumsum(-1)
        # a token goes when those before it have reached p; the likeliest stays, however small p is
        sorted_chances[:, 1:].masked_fill_(reached[:, :-1] >= top_p * reached[:, -1:], 0.0)
    kept = torch.zeros_like(chances).scatter(-1, order, sorted_chances)
    return kept / kept.sum(-1, keepdim=True)
