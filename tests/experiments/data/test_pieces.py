"""The bytes behind each token."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from tokenizers import pre_tokenizers

from experiments.data import BytePairs, Bytes, Tokenizer
from experiments.data.tokenizers import byte_level

TEXT = "the cat, caf\u00e9 \u4e2d \U0001f98a\n"


class Words(Tokenizer):
    """One of the user's own, which says nothing of bytes."""

    vocab, specials = 5, 1

    def fit(self, texts: Sequence[bytes]) -> None: ...

    def encode(self, text: bytes) -> np.ndarray:
        return np.arange(len(text.split()))

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(f"w{i} " for i in ids)

    def sizes(self) -> list[int]:
        return [3] * 4 + [0]


def trained() -> BytePairs:
    tokenizer = BytePairs(3, vocab=290)
    tokenizer.fit([b"the cat sat on the mat, " * 20])
    return tokenizer


@pytest.mark.parametrize("tokenizer", [Bytes(3), trained()], ids=["bytes", "bpe"])
def test_the_pieces_are_the_text_and_special_tokens_none(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(TEXT.encode()).tolist()
    pieces = tokenizer.pieces([*ids, tokenizer.special("<eos>")])
    assert pieces[-1] is None
    assert [len(piece or b"") for piece in pieces] == [tokenizer.sizes()[i] for i in ids] + [0]
    assert b"".join(piece for piece in pieces if piece is not None).decode() == TEXT


def test_places_that_the_training_left_empty() -> None:
    tokenizer = BytePairs(0, vocab=1000)
    tokenizer.fit([b"ab ab"])
    assert tokenizer.pieces([999]) == [b""]


def test_a_kind_that_only_decodes() -> None:
    assert Words().pieces([0, 3, 4]) == [b"w0 ", b"w3 ", None]


def test_byte_level_words() -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(byte_level("".join(alphabet))) == list(range(256))
    assert byte_level("\u0120caf\u00c3\u00a9\u010a") == b" caf\xc3\xa9\n"
    with pytest.raises(ValueError, match="stands for no byte"):
        byte_level("a b")
