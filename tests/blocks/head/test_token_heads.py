"""Heads that are one linear map of each token's vector."""

from __future__ import annotations

import pytest
import torch

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head import SpanHead, TokenClassificationHead, TokenRegressionHead

HIDDEN = torch.randn(2, 4, 6).double()
EMBEDDING = TokenEmbedding(6, 5)
HEADS = [
    (TokenClassificationHead(6, classes=3), 3),
    (TokenRegressionHead(6, values=5), 5),
    (TokenRegressionHead(6), 1),
    (SpanHead(6), 2),
]


@pytest.mark.parametrize(("head", "outputs"), HEADS)
def test_a_linear_map_of_each_token(head: SpanHead, outputs: int) -> None:
    head = head.double()
    found = head(HIDDEN, Coords.of(4), EMBEDDING)
    assert found.shape == (2, 4, outputs)
    torch.testing.assert_close(found, HIDDEN @ head.matrix.weight.T + head.matrix.bias, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("head", [TokenClassificationHead(6, classes=2, dropout=0.5), SpanHead(6, dropout=0.5)])
def test_dropout_acts_in_training_only(head: SpanHead) -> None:
    head = head.double().train()
    once, again = (head(HIDDEN, Coords.of(4), EMBEDDING) for _ in range(2))
    assert not torch.equal(once, again)
    head.eval()
    torch.testing.assert_close(head(HIDDEN, Coords.of(4), EMBEDDING), HIDDEN @ head.matrix.weight.T + head.matrix.bias)


def test_classes_must_be_known() -> None:
    with pytest.raises(ValueError, match=r"'token_classification' needs the number of classes.*model\.head\.classes"):
        TokenClassificationHead(6)
