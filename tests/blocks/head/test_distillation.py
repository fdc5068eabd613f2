from __future__ import annotations

import pytest
import torch

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head import DistillationHead

HIDDEN = torch.randn(2, 4, 6).double()
EMBEDDING = TokenEmbedding(6, 5)


def test_two_classifiers_read_the_first_two_tokens_and_their_mean_counts() -> None:
    head = DistillationHead(6, classes=3).double()
    at = Coords.of(4, valid=torch.tensor([[True] * 4, [False, True, True, True]]))
    first, second = torch.stack([HIDDEN[0, 0], HIDDEN[1, 1]]), torch.stack([HIDDEN[0, 1], HIDDEN[1, 2]])
    right = {
        "class": first @ head.matrix.weight.T + head.matrix.bias,
        "distilled": second @ head.distilled.weight.T + head.distilled.bias,
    }
    found = head.beside(HIDDEN, at, EMBEDDING)
    assert found.keys() == right.keys()
    for name, logits in right.items():
        torch.testing.assert_close(found[name], logits, rtol=1e-12, atol=1e-12)
    mean = (right["class"] + right["distilled"]) / 2
    torch.testing.assert_close(head(HIDDEN, at, EMBEDDING), mean, rtol=1e-12, atol=1e-12)


def test_needs_the_number_of_classes() -> None:
    with pytest.raises(ValueError, match=r"'distillation' needs the number of classes.*model\.head\.classes"):
        DistillationHead(6)
