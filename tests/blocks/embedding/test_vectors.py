"""Vectors of the user's own go through as they are."""

from __future__ import annotations

import pytest
import torch

from blocks.embedding import Marks, VectorEmbedding
from blocks.topology import Encoder
from registry import assemble


def test_they_are_the_stream_with_what_positions_add() -> None:
    x = torch.randn(2, 5, 8)
    valid = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    out = VectorEmbedding(8)(x, Marks(valid=valid), lambda t, at: t + at.pos.unsqueeze(-1))
    assert torch.equal(out.x, x + out.at.pos.unsqueeze(-1))
    assert out.at.valid is valid


def test_refuses_vectors_of_another_width() -> None:
    with pytest.raises(ValueError, match=r"vectors are \[b n 8\], not a tensor of shape \[2, 5, 9\]"):
        VectorEmbedding(8)(torch.randn(2, 5, 9), Marks(), lambda t, at: t)


def test_a_model_from_vectors_to_vectors_has_no_vocabulary() -> None:
    model = assemble(
        {"topology": "encoder", "dim": 8, "heads": 2, "layers": 1, "embedding": "vectors", "head": "hidden"}
    )
    assert isinstance(model, Encoder)
    assert model(torch.randn(2, 5, 8)).shape == (2, 5, 8)
