"""Vocabularies of byte strings, each byte written as one character, as GPT-2's are."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from experiments.data.tokenizers.learned import Learned


def byte_level(word: str) -> bytes:
    """The bytes behind a word of a byte-level vocabulary, which writes each byte as one character, as GPT-2's does.

    Raises ValueError for a character that stands for no byte.
    """
    table = _bytes_of_characters()
    if unknown := [char for char in word if char not in table]:
        raise ValueError(f"{word!r} is no byte-level word: {unknown[0]!r} stands for no byte")
    return bytes(table[char] for char in word)


@functools.cache
def _bytes_of_characters() -> dict[str, int]:
    """Printable Latin-1 stands for itself, the other bytes in order for the characters from 256 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + place): byte for place, byte in enumerate(rest)}


def on_bytes(inner: Any) -> Any:
    """The library's tokenizer, set to read and write bytes."""
    from tokenizers import decoders, pre_tokenizers

    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return inner


def sizes_of(learned: Learned, vocab: int) -> list[int]:
    """Bytes that each id stands for, [vocab]."""
    # each byte is one character
    lengths = {i: len(word) for word, i in learned.inner.get_vocab().items()}
    return [lengths.get(i, 0) for i in range(vocab)]


def pieces_of(learned: Learned, ids: Iterable[int]) -> list[bytes | None]:
    """The bytes that each id stands for; b"" for places of the vocabulary that the training left empty."""
    return [byte_level(learned.word(i)) if i < learned.words else None for i in ids]
