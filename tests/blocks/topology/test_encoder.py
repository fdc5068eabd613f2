from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from blocks.coords import Coords
from blocks.head import ClassificationHead
from blocks.masks import Full
from blocks.position import Learned, Sinusoidal
from blocks.stack import Flow
from blocks.topology import Encoder

IDS = torch.tensor([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]])


def make(**options: Any) -> Encoder:
    given = {"dim": 8, "layers": 2, "heads": 2, "vocab": 11, **options}
    made = Encoder(**given).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made


@pytest.mark.parametrize("position", [Sinusoidal, Learned])
def test_embedding_positions_layers_head(position: Any) -> None:
    model = make(position=position)
    [scheme] = model.stack.positions
    x = scheme.embed(model.embedding.weight[IDS], Coords.of(6))
    hidden = model.stack(x, Flow(Coords.of(6), Full()))
    out = model.run(IDS)
    torch.testing.assert_close(out.hidden, hidden, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(out.logits, hidden @ model.embedding.weight.T, rtol=1e-12, atol=1e-12)
    assert torch.equal(model(IDS), out.logits)


def test_classifies_whatever_the_padding() -> None:
    model = make(head=partial(ClassificationHead, classes=3))
    valid = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    logits = model(IDS, valid=valid)
    assert logits.shape == (2, 3)
    torch.testing.assert_close(logits[1:], model(IDS[1:, :4]), rtol=1e-10, atol=1e-10)


def test_packed_documents() -> None:
    model, segment = make(), torch.tensor([[0, 0, 1, 1, 1, 1]])
    hidden = model.run(IDS, segment=segment).hidden
    torch.testing.assert_close(hidden[:, 2:], model.run(IDS[:, 2:]).hidden, rtol=1e-10, atol=1e-10)


def test_the_vocabulary_must_be_known() -> None:
    with pytest.raises(ValueError, match="size of the vocabulary is not known"):
        Encoder(dim=8, heads=2)
