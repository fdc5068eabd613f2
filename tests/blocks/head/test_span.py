from __future__ import annotations

import torch

from blocks.coords import Coords
from blocks.embedding import TokenEmbedding
from blocks.head.span import SpanHead

HIDDEN = torch.randn(2, 4, 6).double()
EMBEDDING = TokenEmbedding(6, 5).double()


def test_a_token_is_compared_with_the_question() -> None:
    head = SpanHead(6, match=True).double()
    assert head.question is not None
    types = torch.tensor([[0, 0, 1, 1], [0, 0, 0, 1]])
    valid = torch.tensor([[True, True, True, True], [False, True, True, True]])
    found = head(HIDDEN, Coords.of(4, valid=valid, types=types), EMBEDDING)
    begins, ends = head.matrix.weight.split(6)
    for row, asked in enumerate((HIDDEN[0, :2], HIDDEN[1, 1:3])):
        weights = (asked @ head.question.weight[0]).softmax(0)
        question = weights @ asked
        right = torch.stack([HIDDEN[row] @ (w @ question) for w in (begins, ends)], dim=-1) / 6**0.5
        torch.testing.assert_close(found[row], right, rtol=1e-12, atol=1e-12)


def test_without_kinds_every_token_asks_and_padding_does_not() -> None:
    head = SpanHead(6, match=True).double()
    padded = torch.tensor([[True, True, True, False]]).expand(2, -1)
    found = head(HIDDEN, Coords.of(4, valid=padded), EMBEDDING)[:, :3]
    torch.testing.assert_close(found, head(HIDDEN[:, :3], Coords.of(3), EMBEDDING), rtol=1e-12, atol=1e-12)
    nothing = head(HIDDEN, Coords.of(4, valid=torch.zeros(2, 4, dtype=torch.bool)), EMBEDDING)
    assert nothing.isfinite().all()
