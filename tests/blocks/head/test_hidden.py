from __future__ import annotations

import torch

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head import HiddenHead

HIDDEN = torch.randn(2, 3, 6).double()
EMBEDDING = TokenEmbedding(6, 5)


def test_gives_the_hidden_states_and_nothing_beside_them() -> None:
    head = HiddenHead(6)
    assert torch.equal(head(HIDDEN, Coords.of(3), EMBEDDING), HIDDEN)
    assert head.beside(HIDDEN, Coords.of(3), EMBEDDING) == {}
    assert not list(head.parameters())


def test_a_pooler_reads_the_first_token() -> None:
    head = HiddenHead(6, pooler="tanh").double()
    assert head.pooler is not None
    found = head.beside(HIDDEN, Coords.of(3), EMBEDDING)["pooled"]
    right = torch.tanh(HIDDEN[:, 0] @ head.pooler.dense.weight.T + head.pooler.dense.bias)
    torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)
