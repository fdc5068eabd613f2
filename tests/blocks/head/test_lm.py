from __future__ import annotations

import torch

from blocks.coords import Coords
from blocks.head import LMHead

HIDDEN, TABLE = torch.randn(2, 3, 6).double(), torch.randn(5, 6).double()


def test_tied_uses_the_embedding_s_table_and_has_no_matrix() -> None:
    head = LMHead(6, 5).double()
    assert not list(head.parameters())
    right = torch.tensor([[[float(h @ row) for row in TABLE] for h in rows] for rows in HIDDEN]).double()
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), TABLE), right, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), TABLE), HIDDEN @ TABLE.T, rtol=1e-12, atol=1e-12)


def test_untied_has_its_own_matrix_and_does_not_look_at_the_table() -> None:
    head = LMHead(6, 5, tied=False).double()
    assert head.matrix is not None
    right = HIDDEN @ head.matrix.weight.T
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), TABLE), right, rtol=1e-12, atol=1e-12)


def test_a_bias_is_added_for_each_token_of_the_vocabulary() -> None:
    head = LMHead(6, 5, bias=True).double()
    assert head.bias is not None
    assert not head.bias.any()
    with torch.no_grad():
        head.bias.copy_(torch.arange(5))
    right = HIDDEN @ TABLE.T + torch.arange(5)
    torch.testing.assert_close(head(HIDDEN, Coords.of(3), TABLE), right, rtol=1e-12, atol=1e-12)
