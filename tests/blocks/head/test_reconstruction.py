"""The head that rebuilds a sequence against its formula, place by place."""

from __future__ import annotations

import math

import torch

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head import ReconstructionHead

EMBEDDING = TokenEmbedding(6, 5)


def test_every_place_is_told_from_the_last_vector() -> None:
    torch.manual_seed(0)
    hidden, valid = torch.randn(2, 4, 6).double(), torch.tensor([[True] * 4, [True, True, False, False]])
    head = ReconstructionHead(6, 5, length=3, activation="relu").double()
    found = head(hidden, Coords.of(4, valid=valid), EMBEDDING)
    assert found.shape == (2, 3, 5)
    for row, last in enumerate((3, 1)):
        for place in range(3):
            x = hidden[row, last].clone()
            for i in range(3):
                angle = place / 10000 ** (2 * i / 6)
                x[2 * i] += math.sin(angle)
                x[2 * i + 1] += math.cos(angle)
            for norm, layer in zip(head.norms, head.layers, strict=False):
                x = torch.relu(layer.weight @ norm(x) + layer.bias)  # type: ignore[operator]
            right = head.matrix.weight @ head.norms[2](x) + head.matrix.bias
            torch.testing.assert_close(found[row, place], right, atol=1e-7, rtol=1e-6)
