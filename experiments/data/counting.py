"""How well counting alone predicts the same bytes: the lines that a language model has to beat."""

from __future__ import annotations

import math

import numpy as np

from experiments.results.plan import Reference

_GRID = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


def counting_models(train_text: bytes, valid_text: bytes) -> list[Reference]:
    """Bits per byte of a unigram and a bigram byte model on exactly the bytes that the validation predicts."""
    train, valid = (np.frombuffer(text, dtype=np.uint8) for text in (train_text, valid_text))
    metric = "valid/bits_per_byte"
    weight = choose_weight(train)
    alone = "byte frequencies of the training text, one added to each"
    pairs = f"byte-pair counts of the training text, smoothed towards the unigram with weight {weight:g}"
    return [
        Reference("unigram model", metric, bits_per_byte(unigram(train)[None].repeat(256, 0), valid), alone),
        Reference("bigram model", metric, bits_per_byte(bigram(train, weight), valid), pairs),
    ]


def unigram(text: np.ndarray) -> np.ndarray:
    """p(byte) with one added to each count, [256]."""
    counts = np.bincount(text, minlength=256) + 1.0
    shares: np.ndarray = counts / counts.sum()
    return shares


def bigram(text: np.ndarray, weight: float) -> np.ndarray:
    """p(next | byte) = (count(byte, next) + weight * p(next)) / (count(byte) + weight), [256 256]."""
    pairs = np.bincount(text[:-1].astype(np.int64) * 256 + text[1:], minlength=256 * 256).reshape(256, 256)
    table: np.ndarray = (pairs + weight * unigram(text)) / (pairs.sum(1, keepdims=True) + weight)
    return table


def choose_weight(text: np.ndarray) -> float:
    """The smoothing weight that predicts the last tenth of the training text best from the rest of it."""
    cut = len(text) * 9 // 10
    return min(_GRID, key=lambda weight: bits_per_byte(bigram(text[:cut], weight), text[cut:]))


def bits_per_byte(table: np.ndarray, text: np.ndarray) -> float:
    """Mean of -log2 p(next | byte) over every byte but the first. table: [256 256]."""
    return float(-np.log(table[text[:-1], text[1:]]).mean() / math.log(2))
