from __future__ import annotations

import torch
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head import MLMHead
from blocks.head.pooling import SegmentPooler

HIDDEN = torch.randn(2, 3, 6).double()
EMBEDDING = TokenEmbedding(6, 5).double()
AT = Coords.of(3)


def transformed(head: MLMHead, width: int) -> torch.Tensor:
    inner = functional.gelu(HIDDEN @ head.dense.weight.T + head.dense.bias)
    return functional.layer_norm(inner, (width,))


def test_one_more_layer_then_the_embedding_s_table_and_a_bias() -> None:
    head = MLMHead(6, 5).double()
    assert head.bias is not None
    with torch.no_grad():
        head.bias.copy_(torch.arange(5))
    right = transformed(head, 6) @ EMBEDDING.weight.T + torch.arange(5)
    torch.testing.assert_close(head(HIDDEN, AT, EMBEDDING), right, rtol=1e-12, atol=1e-12)
    assert head.beside(HIDDEN, AT, EMBEDDING) == {}


def test_untied_and_narrow_with_a_matrix_of_its_own() -> None:
    head = MLMHead(6, 5, tied=False, bias=False, width=4).double()
    assert head.matrix is not None
    right = transformed(head, 4) @ head.matrix.weight.T
    torch.testing.assert_close(head(HIDDEN, AT, EMBEDDING), right, rtol=1e-12, atol=1e-12)


def test_the_layer_before_the_table_may_have_no_bias() -> None:
    head = MLMHead(6, 5, dense_bias=False, bias=False).double()
    assert head.dense.bias is None
    inner = functional.layer_norm(functional.gelu(HIDDEN @ head.dense.weight.T), (6,))
    torch.testing.assert_close(head(HIDDEN, AT, EMBEDDING), inner @ EMBEDDING.weight.T, rtol=1e-12, atol=1e-12)


def test_next_sentences_are_told_from_the_first_real_token() -> None:
    head = MLMHead(6, 5, nsp=True).double()
    assert head.pooler is not None
    assert head.nsp is not None
    at = Coords.of(3, valid=torch.tensor([[True, True, True], [False, True, True]]))
    found = head.beside(HIDDEN, at, EMBEDDING)
    first = torch.stack([HIDDEN[0, 0], HIDDEN[1, 1]])
    pooled = torch.tanh(first @ head.pooler.dense.weight.T + head.pooler.dense.bias)
    torch.testing.assert_close(found["pooled"], pooled, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found["nsp"], pooled @ head.nsp.weight.T + head.nsp.bias, rtol=1e-12, atol=1e-12)


def test_next_sentences_may_be_told_from_the_means_of_the_segments() -> None:
    head = MLMHead(6, 5, nsp=True, pair="segments").double()
    assert isinstance(head.pooler, SegmentPooler)
    assert head.nsp is not None
    types = torch.tensor([[0, 0, 1], [0, 0, 0]])
    at = Coords.of(3, valid=torch.tensor([[True, True, True], [False, True, True]]), types=types)
    found = head.beside(HIDDEN, at, EMBEDDING)
    second = torch.stack([HIDDEN[0, 2], torch.zeros(6).double()])
    means = torch.cat([torch.stack([HIDDEN[0, :2].mean(0), HIDDEN[1, 1:].mean(0)]), second], dim=1)
    pooled = functional.gelu(means @ head.pooler.dense.weight.T + head.pooler.dense.bias)
    torch.testing.assert_close(found["pooled"], pooled, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found["nsp"], pooled @ head.nsp.weight.T + head.nsp.bias, rtol=1e-12, atol=1e-12)
    no_types = head.beside(HIDDEN, Coords.of(3), EMBEDDING)
    all_of_kind_0 = head.beside(HIDDEN, Coords.of(3, types=torch.zeros(2, 3, dtype=torch.long)), EMBEDDING)
    torch.testing.assert_close(no_types, all_of_kind_0, rtol=0, atol=0)
