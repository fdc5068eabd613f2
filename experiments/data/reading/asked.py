"""Questions with the place of their answers in a text, as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from experiments.data.loader import Batch, pad
from experiments.data.tokenizers import Tokenizer

NOWHERE = -1
"""The place of an answer that is not there."""


@dataclass(frozen=True)
class Asked:
    """A question and its context as ids; first and last: the answer's tokens, counted within the context."""

    question: list[int]
    context: list[int]
    first: int = NOWHERE
    last: int = NOWHERE

    def cut(self, room: int) -> Asked:
        """With a context of at most `room` tokens; an answer that is lost is nowhere."""
        if self.last < room:
            return Asked(self.question, self.context[:room], self.first, self.last)
        return Asked(self.question, self.context[:room])


def ids_of(tokenizer: Tokenizer, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text.encode()).tolist()
    return ids


def piece_sizes(tokenizer: Tokenizer) -> list[int]:
    """How many bytes of text each token stands for, special ones for none."""
    return [len(piece or b"") for piece in tokenizer.pieces(range(tokenizer.vocab))]


def tokens_of(text: str, ids: Sequence[int], sizes: Sequence[int], start: int, answer: str) -> tuple[int, int]:
    """The first and the last token of an answer that starts at a character of a text, whose ids these are.

    sizes: as `piece_sizes` gives them. Raises ValueError for a tokenizer that does not keep the text, so that nobody
    knows what its tokens stand for.
    """
    ends = np.cumsum([sizes[i] for i in ids])
    if not len(ends) or ends[-1] != len(text.encode()):
        raise ValueError("this tokenizer does not keep every character: answers cannot be found, take bytes or bpe")
    begins = len(text[:start].encode())
    last = begins + len(answer.encode()) - 1
    return int(np.searchsorted(ends, begins, side="right")), int(np.searchsorted(ends, last, side="right"))


def batch_of(asked: Sequence[Asked], tokenizer: Tokenizer) -> Batch:
    """<bos> question <eos> context <eos>, side by side.

    tokens, types (1 from the context on): int [b n]; valid, context (True where an answer may be): bool [b n];
    starts, ends: int [b], the answer's first and last place in the row, -1 where it has none.
    """
    bos, eos = tokenizer.special("<bos>"), tokenizer.special("<eos>")
    tokens, valid = pad([[bos, *a.question, eos, *a.context, eos] for a in asked], tokenizer.special("<pad>"))
    before = torch.tensor([len(a.question) + 2 for a in asked])
    after = before + torch.tensor([len(a.context) for a in asked])
    place = torch.arange(tokens.shape[1])
    found = torch.tensor([a.first != NOWHERE for a in asked])
    first, last = torch.tensor([[a.first, a.last] for a in asked]).unbind(1)
    return {
        "tokens": tokens,
        "valid": valid,
        "types": ((place >= before[:, None]) & valid).long(),
        "context": (place >= before[:, None]) & (place < after[:, None]),
        "starts": torch.where(found, first + before, NOWHERE),
        "ends": torch.where(found, last + before, NOWHERE),
    }
