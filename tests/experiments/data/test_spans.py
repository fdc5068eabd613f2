"""Span corruption against the authors' rule, written out slowly, and against the example of the paper's figure 2."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from experiments.data.spans import Corruption, _parts, with_sentinels


def published_lengths(inputs_length: int, noise_density: float, mean_noise_span_length: float) -> tuple[int, int]:
    """`random_spans_helper` of t5/data/preprocessors.py: tokens of text, and the length of the targets."""

    def lengths(tokens_length: int) -> tuple[int, int]:
        noise = round(tokens_length * noise_density)
        spans = round(noise / mean_noise_span_length)
        return tokens_length - noise + spans + 1, noise + spans + 1

    tokens_length = inputs_length - 1
    while lengths(tokens_length + 1)[0] <= inputs_length:
        tokens_length += 1
    return tokens_length, lengths(tokens_length)[1]


@pytest.mark.parametrize("length", [64, 100, 128, 256, 512])
@pytest.mark.parametrize(("density", "span"), [(0.15, 3.0), (0.15, 2.0), (0.3, 5.0), (0.5, 10.0)])
def test_lengths(length: int, density: float, span: float) -> None:
    corruption = Corruption(density, span)
    tokens, targets = published_lengths(length, density, span)
    assert corruption.window(length) == tokens
    assert corruption.lengths(tokens)[1] == targets
    # what is read and written has these lengths
    drop = corruption.noise(tokens, np.random.default_rng(0))
    ids, sentinels = np.arange(tokens), np.arange(10_000, 10_200)
    assert len(with_sentinels(ids, drop, sentinels)) + 1 == corruption.lengths(tokens)[0] <= length
    assert len(with_sentinels(ids, ~drop, sentinels)) + 1 == targets


def test_published_numbers() -> None:
    """512 tokens are read of windows of 568, and 114 written (Raffel et al., section 3.1.4 and the released config)."""
    assert Corruption().window(512) == 568
    assert Corruption().lengths(568) == (512, 114)


@pytest.mark.parametrize("tokens", [1, 2, 3, 7, 20, 141, 568])
def test_noise(tokens: int) -> None:
    corruption = Corruption()
    dropped, spans = corruption.lengths(tokens)[1] - corruption.spans(tokens) - 1, corruption.spans(tokens)
    met = np.zeros(tokens)
    for seed in range(200):
        drop = corruption.noise(tokens, np.random.default_rng(seed))
        assert drop.shape == (tokens,)
        assert not drop[0]
        if tokens > 1:
            assert drop[-1]
            assert drop.sum() == dropped
            assert sum(key for key, _ in itertools.groupby(drop.tolist())) == spans
        met += drop
    if tokens > 20:
        assert met[1:].min() > 0


def test_lengths_of_spans_are_evenly_drawn() -> None:
    """5 things in 3 parts: each of the 6 ways is as likely."""
    rng = np.random.default_rng(0)
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(3000):
        parts = tuple(_parts(5, 3, rng).tolist())
        counts[parts] = counts.get(parts, 0) + 1
    assert set(counts) == {p for p in itertools.product(range(1, 4), repeat=3) if sum(p) == 5}
    assert all(count == pytest.approx(500, abs=90) for count in counts.values())


def test_figure_2() -> None:
    """`Thank you <X> me to your party <Y> week.` and `<X> for inviting <Y> last`, as the authors' code writes it."""
    words = ["Thank", "you", "for", "inviting", "me", "to", "your", "party", "last", "week."]
    drop = np.array([word in ("for", "inviting", "last") for word in words])
    sentinels = np.array([-1, -2, -3])

    def text(ids: np.ndarray) -> str:
        return " ".join({-1: "<X>", -2: "<Y>", -3: "<Z>"}.get(i) or words[i] for i in ids.tolist())

    ids = np.arange(len(words))
    assert text(with_sentinels(ids, drop, sentinels)) == "Thank you <X> me to your party <Y> week."
    # the kept words at the end are a span of the target's too, which stands for them with a last sentinel
    assert text(with_sentinels(ids, ~drop, sentinels)) == "<X> for inviting <Y> last <Z>"


def test_nothing_fits() -> None:
    with pytest.raises(ValueError, match="no text fits into 2 tokens"):
        Corruption().window(2)
