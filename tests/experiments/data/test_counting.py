"""Counting models against a slow count, on the bytes that the validation predicts."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from experiments.data import Text
from experiments.data.counting import bigram, bits_per_byte, choose_weight, counting_models, unigram

TRAIN, VALID = b"abracadabra abracadabra, simsalabim " * 12, b"abra, salabim cadabra"


def test_against_a_slow_count(tmp_path: Path) -> None:
    for name, text in (("train", TRAIN), ("valid", VALID)):
        (tmp_path / f"{name}.txt").write_bytes(text)
    data = Text(0, train=str(tmp_path / "train.txt"), valid=str(tmp_path / "valid.txt"), length=8)
    weight = choose_weight(np.frombuffer(TRAIN, dtype=np.uint8))
    single, pairs, before = Counter(TRAIN), Counter(itertools.pairwise(TRAIN)), Counter(TRAIN[:-1])

    def alone(b: int) -> float:
        return (single[b] + 1) / (len(TRAIN) + 256)

    def after(a: int, b: int) -> float:
        return (pairs[a, b] + weight * alone(b)) / (before[a] + weight)

    steps = list(itertools.pairwise(VALID))
    first, second = counting_models(data.raw("train"), data.raw("valid"))
    assert first.value == pytest.approx(-sum(math.log2(alone(b)) for _, b in steps) / len(steps))
    assert second.value == pytest.approx(-sum(math.log2(after(a, b)) for a, b in steps) / len(steps))
    assert {r.metric for r in (first, second)} == {"valid/bits_per_byte"}


def test_tables_are_distributions() -> None:
    text = np.frombuffer(TRAIN, dtype=np.uint8)
    np.testing.assert_allclose(unigram(text).sum(), 1)
    np.testing.assert_allclose(bigram(text, 2.0).sum(1), 1)
    uniform = np.full((256, 256), 1 / 256)
    assert bits_per_byte(uniform, text) == pytest.approx(8)


def test_weight_is_chosen_on_the_last_tenth_of_the_training_text() -> None:
    """Nine tenths in which the byte before tells nothing, or everything."""
    rng = np.random.default_rng(0)
    noise = rng.integers(97, 123, 5000, dtype=np.uint8)
    cycle = np.resize(np.arange(97, 123, dtype=np.uint8), 5000)
    assert choose_weight(noise) == 256
    assert choose_weight(cycle) == 0.25
    # only the last tenth decides, and all of it
    assert choose_weight(np.concatenate([cycle[:4500], noise[:490], cycle[:10]])) == 256


def test_shipped_text() -> None:
    """The line that the shipped demo has to beat."""
    first, second = Text(0).references()
    assert (round(first.value, 3), round(second.value, 3)) == (4.334, 3.373)
