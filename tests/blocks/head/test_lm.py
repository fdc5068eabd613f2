from __future__ import annotations

import pytest
import torch

from blocks.coords import Coords
from blocks.embedding import Embedding, TokenEmbedding
from blocks.head import LMHead

HIDDEN = torch.randn(2, 3, 6).double()
EMBEDDING = TokenEmbedding(6, 5).double()
TABLE = EMBEDDING.weight.detach()


def test_tied_uses_the_embedding_s_table_and_has_no_matrix() -> None:
    head = LMHead(6, 5).double()
    assert not list(head.parameters())
    right = torch.tensor([[[float(h @ row) for row in TABLE] for h in rows] for rows in HIDDEN]).double()
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), EMBEDDING), right, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), EMBEDDING), HIDDEN @ TABLE.T, rtol=1e-12, atol=1e-12)


def test_untied_has_its_own_matrix_and_does_not_look_at_the_table() -> None:
    head = LMHead(6, 5, tied=False).double()
    assert head.matrix is not None
    right = HIDDEN @ head.matrix.weight.T
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), EMBEDDING), right, rtol=1e-12, atol=1e-12)


def test_a_bias_is_added_for_each_token_of_the_vocabulary() -> None:
    head = LMHead(6, 5, bias=True).double()
    assert head.bias is not None
    assert not head.bias.any()
    with torch.no_grad():
        head.bias.copy_(torch.arange(5))
    right = HIDDEN @ TABLE.T + torch.arange(5)
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), EMBEDDING), right, rtol=1e-12, atol=1e-12)


def test_a_factor_and_a_soft_cap() -> None:
    head = LMHead(6, 5, scale=0.5, softcap=2.0).double()
    right = 2.0 * torch.tanh(0.5 * HIDDEN @ TABLE.T / 2.0)
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), EMBEDDING), right, rtol=1e-12, atol=1e-12)
    head = LMHead(6, 5, scale="rsqrt_dim").double()
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), EMBEDDING), HIDDEN @ TABLE.T / 6**0.5)


def test_a_narrow_table_meets_hidden_states_of_its_width() -> None:
    narrow = TokenEmbedding(6, 5, width=2).double()
    head = LMHead(6, 5, width=2).double()
    assert head.narrow is not None
    right = HIDDEN @ head.narrow.weight.T @ narrow.weight.T
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), narrow), right)


def test_an_embedding_without_a_table_cannot_be_shared() -> None:
    with pytest.raises(ValueError, match="Embedding has none"):
        LMHead(6, 5).double()(HIDDEN, Coords.of(3), Embedding())
