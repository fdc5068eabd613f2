from __future__ import annotations

import math

import pytest
import torch

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head import Head, MatchingHead, VectorHead

HIDDEN = torch.randn(3, 4, 6).double()
EMBEDDING = TokenEmbedding(6, 5)
AT = Coords.of(4)


def test_the_mean_by_a_matrix_divided_by_its_length() -> None:
    head = VectorHead(6, width=5).double()
    vectors = HIDDEN.mean(1) @ head.get_submodule("matrix").weight.T  # type: ignore[operator]
    right = vectors / vectors.square().sum(1, keepdim=True).sqrt()
    torch.testing.assert_close(head(HIDDEN, AT, EMBEDDING), right, rtol=1e-12, atol=1e-12)
    assert not list(VectorHead(6, learned=False).parameters())


def test_padding_does_not_count_and_a_pooler_comes_first() -> None:
    head = VectorHead(6, pool="first", pooler="tanh", normalise=False).double()
    at = Coords.of(4, valid=torch.tensor([[True] * 4, [False, True, True, True], [True] * 4]))
    dense = head.pooler.get_submodule("dense")
    first = torch.stack([HIDDEN[0, 0], HIDDEN[1, 1], HIDDEN[2, 0]])
    right = torch.tanh(first @ dense.weight.T + dense.bias)  # type: ignore[operator]
    torch.testing.assert_close(head(HIDDEN, at, EMBEDDING), right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("learned", [True, False])
def test_similarity_is_the_product_over_the_temperature(learned: bool) -> None:
    head = VectorHead(6, temperature=0.2, learned=learned).double()
    a, b = torch.randn(2, 6).double(), torch.randn(3, 6).double()
    right = torch.tensor([[float(x @ y) / 0.2 for y in b] for x in a]).double()
    torch.testing.assert_close(head.compare(a, b), right, rtol=1e-6, atol=1e-6)


def test_a_learned_temperature_has_a_least_value() -> None:
    head = VectorHead(6, temperature=0.5).double()
    assert head.learned_scale is not None
    with torch.no_grad():
        head.learned_scale.fill_(math.log(1e6))
    ones = torch.eye(6).double()
    torch.testing.assert_close(head.compare(ones, ones), 100 * ones)


def test_matching_reads_both_vectors_their_product_and_their_difference() -> None:
    head = MatchingHead(6, hidden=4).double()
    a, b = HIDDEN[:, 0], HIDDEN[:, 1]
    torch.testing.assert_close(head(HIDDEN, AT, EMBEDDING), HIDDEN.mean(1))
    both = torch.cat([a, b, a * b, a - b], dim=1)
    inner = (both @ head.first.weight.T + head.first.bias).relu()
    inner = (inner @ head.second.weight.T + head.second.bias).relu()
    assert inner.shape == (3, 2)
    right = (inner @ head.matrix.weight.T + head.matrix.bias)[:, 0]
    torch.testing.assert_close(head.compare(a, b), right, rtol=1e-12, atol=1e-12)


def test_other_heads_compare_no_vectors() -> None:
    with pytest.raises(NotImplementedError, match="'Head' compares no vectors"):
        Head().compare(HIDDEN[:, 0], HIDDEN[:, 1])
