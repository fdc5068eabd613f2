from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.norm import LayerNorm

IDS = torch.tensor([[3, 0, 3], [1, 4, 2]])


def place(x: Tensor, at: Coords) -> Tensor:
    return x + at.pos.unsqueeze(-1)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("normed", [False, True])
def test_a_row_of_the_table_then_the_position_then_the_norm(scale: bool, normed: bool) -> None:
    embedding = TokenEmbedding(6, 5, scale=scale, norm=LayerNorm if normed else None).double()
    found = embedding(IDS, Coords.of(3, start=2), place)
    rows = torch.stack([torch.stack([embedding.weight[i] for i in row]) for row in IDS.tolist()])
    right = rows * (math.sqrt(6) if scale else 1) + torch.tensor([2.0, 3.0, 4.0]).view(1, 3, 1)
    right = torch.nn.functional.layer_norm(right, (6,)) if normed else right
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)


def test_dropout_comes_last_and_in_training_only() -> None:
    embedding = TokenEmbedding(64, 5, norm=LayerNorm, dropout=0.5)
    assert (embedding(IDS, Coords.of(3), place) == 0).float().mean() == pytest.approx(0.5, abs=0.15)
    embedding.eval()
    assert (embedding(IDS, Coords.of(3), place) != 0).all()
