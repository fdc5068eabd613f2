from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.embedding import Marks, TokenEmbedding
from blocks.norm import LayerNorm

IDS = torch.tensor([[3, 0, 3], [1, 4, 2]])


def place(x: Tensor, at: Coords) -> Tensor:
    return x + at.pos.unsqueeze(-1)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("normed", [False, True])
def test_a_row_of_the_table_then_the_position_then_the_norm(scale: bool, normed: bool) -> None:
    embedding = TokenEmbedding(6, 5, scale=scale, norm=LayerNorm if normed else None).double()
    found = embedding(IDS, Marks(start=2), place).x
    rows = torch.stack([torch.stack([embedding.weight[i] for i in row]) for row in IDS.tolist()])
    right = rows * (math.sqrt(6) if scale else 1) + torch.tensor([2.0, 3.0, 4.0]).view(1, 3, 1)
    right = torch.nn.functional.layer_norm(right, (6,)) if normed else right
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)


def test_a_norm_of_the_tokens_comes_before_the_position() -> None:
    embedding = TokenEmbedding(6, 5, scale=True, types=2, norm=LayerNorm, norm_of="tokens").double()
    assert embedding.types is not None
    rows = math.sqrt(6) * embedding.weight[IDS] + embedding.types.weight[0]
    right = place(torch.nn.functional.layer_norm(rows, (6,)), Coords.of(3))
    torch.testing.assert_close(embedding(IDS, Marks(), place).x, right)


def test_dropout_comes_last_and_in_training_only() -> None:
    embedding = TokenEmbedding(64, 5, norm=LayerNorm, dropout=0.5)
    assert (embedding(IDS, Marks(), place).x == 0).float().mean() == pytest.approx(0.5, abs=0.15)
    embedding.eval()
    assert (embedding(IDS, Marks(), place).x != 0).all()


def test_dropout_may_come_before_the_norm() -> None:
    embedding = TokenEmbedding(64, 5, norm=LayerNorm, dropout=0.5, dropout_on="sum").double()
    x = embedding(IDS, Marks(), place).x
    torch.testing.assert_close(x, torch.nn.functional.layer_norm(x, (64,)), rtol=1e-3, atol=1e-3)
    # what was dropped leaves the norm as minus the mean, the same number many times
    assert 20 < max(int((x[0, 0] == value).sum()) for value in x[0, 0]) < 44


def test_each_kind_of_token_adds_its_vector_and_kind_0_is_meant_where_none_is_said() -> None:
    embedding = TokenEmbedding(6, 5, types=2).double()
    assert embedding.types is not None
    kinds = torch.tensor([[0, 1, 1], [1, 0, 0]])
    found = embedding(IDS, Marks(types=kinds), place).x
    torch.testing.assert_close(found, place(embedding.weight[IDS] + embedding.types.weight[kinds], Coords.of(3)))
    unsaid = embedding(IDS, Marks(), place).x
    torch.testing.assert_close(unsaid, place(embedding.weight[IDS] + embedding.types.weight[0], Coords.of(3)))


def test_kinds_of_tokens_for_a_model_without_them_are_refused() -> None:
    with pytest.raises(ValueError, match=r"model\.embedding\.types"):
        TokenEmbedding(6, 5)(IDS, Marks(types=IDS), place)


def test_narrow_vectors_are_mapped_to_the_width_of_the_model() -> None:
    embedding = TokenEmbedding(6, 5, width=2, scale=3.0).double()
    assert embedding.weight.shape == (5, 2)
    assert embedding.widen is not None
    right = place(3.0 * embedding.weight[IDS] @ embedding.widen.weight.T, Coords.of(3))
    torch.testing.assert_close(embedding(IDS, Marks(), place).x, right)


def test_a_narrow_sum_is_mapped_when_it_is_complete() -> None:
    embedding = TokenEmbedding(6, 5, width=2, widen="sum", types=3, norm=LayerNorm).double()
    assert embedding.widen is not None
    assert embedding.types is not None
    rows = place(embedding.weight[IDS] + embedding.types.weight[0], Coords.of(3))
    right = torch.nn.functional.layer_norm(rows, (2,)) @ embedding.widen.weight.T + embedding.widen.bias
    torch.testing.assert_close(embedding(IDS, Marks(), place).x, right)


def test_a_sum_to_be_mapped_needs_a_width() -> None:
    with pytest.raises(ValueError, match="widen: sum needs the width"):
        TokenEmbedding(6, 5, widen="sum")


def test_needs_the_size_of_the_vocabulary_and_says_where_to_set_it() -> None:
    with pytest.raises(ValueError, match=r"size of the vocabulary.*model\.vocab"):
        TokenEmbedding(6, None)
