"""The n-gram model against its formula, one byte at a time; the compressor by its sizes."""

from __future__ import annotations

import lzma
import math

import numpy as np
import pytest

from benchmarks.recipes.baselines.language import Ngram, compressed

TRAIN = b"the cat sat on the mat, the dog sat on the cat and the mat."
TEST = b"the cat and the dog sat."


def slow(context: bytes, byte: int, order: int, strength: float) -> float:
    """p(byte | the last `order` bytes of the context), by counting."""
    if order < 0:
        return 1 / 256
    if len(context) < order:
        return slow(context, byte, order - 1, strength)
    seen = context[len(context) - order :]
    behind = [TRAIN[i + order] for i in range(len(TRAIN) - order) if TRAIN[i : i + order] == seen]
    shorter = slow(context, byte, order - 1, strength)
    if not behind:
        return shorter
    kinds = strength * len(set(behind))
    return (behind.count(byte) + kinds * shorter) / (len(behind) + kinds)


@pytest.mark.parametrize("order", [0, 1, 3, 5])
@pytest.mark.parametrize("strength", [1.0, 4.0])
def test_chances(order: int, strength: float) -> None:
    model = Ngram.of(np.frombuffer(TRAIN, dtype=np.uint8), order)
    text = np.frombuffer(TEST, dtype=np.uint8)
    expected = [slow(TEST[:i], byte, order, strength) for i, byte in enumerate(TEST)]
    assert model.chances(text, strength).tolist() == pytest.approx(expected)
    bits = -sum(math.log2(p) for p in expected[1:]) / (len(TEST) - 1)
    assert model.bits_per_byte(text, strength) == pytest.approx(bits)


def test_chances_sum_to_one() -> None:
    model = Ngram.of(np.frombuffer(TRAIN, dtype=np.uint8), 4)
    last = [model.chances(np.array([*b"on the ", byte], dtype=np.uint8), 2.0)[-1] for byte in range(128)]
    rest = 128 * slow(b"on the ", 200, 4, 2.0)
    assert sum(last) + rest == pytest.approx(1)


def test_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="at most 8 bytes, all of them ASCII"):
        Ngram.of(np.frombuffer(TRAIN, dtype=np.uint8), 9)
    with pytest.raises(ValueError, match="at most 8 bytes, all of them ASCII"):
        Ngram.of(np.frombuffer("ä".encode(), dtype=np.uint8), 2)


def test_compressed() -> None:
    assert lzma.decompress(lzma.compress(TRAIN, preset=9)) == TRAIN
    assert compressed(TRAIN * 50) < compressed(TRAIN) + 60
