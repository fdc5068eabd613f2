"""Variants with one seed start from the same weights wherever they have the same matrices."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from blocks.attention import FullAttention, LinearAttention, Longformer, Performer
from blocks.placement import Parallel, Post
from blocks.position import T5, Learned
from blocks.topology import Decoder, EncoderDecoder
from blocks.topology.base import Topology


def build(topology: type[Topology] = Decoder, **options: Any) -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    model = topology(dim=16, layers=2, heads=2, vocab=11, **options)
    return {name: weight for name, weight in model.named_parameters() if weight.dim() == 2}


@pytest.mark.parametrize(
    "change",
    [
        {"attention": Longformer},
        {"attention": LinearAttention},
        {"attention": Performer},
        {"attention": partial(FullAttention, qk_norm=None, gate=True)},
        {"placement": Post},
        {"placement": Parallel},
        {"position": Learned},
        {"position": T5},
    ],
)
def test_shared_matrices_start_equal(change: dict[str, Any]) -> None:
    one, other = build(), build(**change)
    shared = [name for name in one if name in other]
    assert len(shared) >= 13
    assert all(torch.equal(one[name], other[name]) for name in shared)


def test_weights_of_one_model_differ_from_each_other() -> None:
    for topology in (Decoder, EncoderDecoder):
        weights = list(build(topology).values())
        shaped = [w for w in weights if w.shape == (16, 16)]
        assert len({tuple(w.flatten().tolist()) for w in shaped}) == len(shaped)


def test_two_models_of_one_stream_differ() -> None:
    torch.manual_seed(5)
    one, other = (Decoder(dim=16, layers=1, heads=2, vocab=11).embedding.weight for _ in range(2))
    assert not torch.equal(one, other)
