from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head import ClassificationHead

EMBEDDING = TokenEmbedding(6, 5)
HIDDEN = torch.randn(3, 4, 6).double()
VALID = torch.tensor([[True, True, True, True], [False, False, True, True], [True, True, False, False]])


def pooled(row: Tensor, pool: str) -> Tensor:
    return {"mean": row.sum(0) / len(row), "first": row[0], "last": row[-1]}[pool]


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("pool", ["mean", "first", "last"])
def test_pools_the_real_tokens(pool: Literal["mean", "first", "last"], padded: bool) -> None:
    head = ClassificationHead(6, classes=2, pool=pool).double()
    valid = VALID if padded else torch.ones_like(VALID)
    vectors = torch.stack([pooled(row[real], pool) for row, real in zip(HIDDEN, valid, strict=True)])
    right = vectors @ head.matrix.weight.T + head.matrix.bias
    found = head(HIDDEN, Coords.of(4, valid=VALID if padded else None), EMBEDDING)
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)


def test_needs_the_number_of_classes_and_says_where_to_set_it() -> None:
    with pytest.raises(ValueError, match=r"number of classes.*model\.head\.classes"):
        ClassificationHead(6)


def test_dropout_acts_in_training_only() -> None:
    head = ClassificationHead(6, classes=2, dropout=0.5).double()
    assert not torch.equal(head(HIDDEN, Coords.of(4), EMBEDDING), head(HIDDEN, Coords.of(4), EMBEDDING))
    head.eval()
    assert torch.equal(head(HIDDEN, Coords.of(4), EMBEDDING), head(HIDDEN, Coords.of(4), EMBEDDING))


@pytest.mark.parametrize(("pooler", "activation"), [("tanh", torch.tanh), ("relu", torch.relu)])
def test_a_pooler_maps_the_vector_before_the_classes_are_told(
    pooler: Literal["tanh", "relu"], activation: Callable[[Tensor], Tensor]
) -> None:
    head = ClassificationHead(6, classes=2, pool="first", pooler=pooler).double()
    dense = head.pooler.get_submodule("dense")
    inner = activation(HIDDEN[:, 0] @ dense.weight.T + dense.bias)  # type: ignore[operator]
    right = inner @ head.matrix.weight.T + head.matrix.bias
    torch.testing.assert_close(head(HIDDEN, Coords.of(4), EMBEDDING), right, rtol=1e-12, atol=1e-12)


def test_what_the_pooler_reads_has_a_dropout_of_its_own() -> None:
    head = ClassificationHead(6, classes=2, pooler="tanh", pooler_dropout=0.5).double()
    assert not torch.equal(head(HIDDEN, Coords.of(4), EMBEDDING), head(HIDDEN, Coords.of(4), EMBEDDING))
    head.eval()
    assert torch.equal(head(HIDDEN, Coords.of(4), EMBEDDING), head(HIDDEN, Coords.of(4), EMBEDDING))
