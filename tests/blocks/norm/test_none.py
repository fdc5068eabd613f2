from __future__ import annotations

import torch

from blocks.norm import NoNorm


def test_leaves_every_vector_as_it_is() -> None:
    x = torch.randn(2, 3, 4)
    assert NoNorm()(x) is x
    assert not list(NoNorm().parameters())
