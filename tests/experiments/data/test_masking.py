"""15 % of the tokens, of these 80 / 10 / 10: counted over many rows; special tokens never; whole words together."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.data.masking import Edges, Masking
from experiments.data.tokenizers import Bytes

BOS, EOS, MASK = 257, 258, 259
TEXT = np.arange(260) < 256


def row(text: bytes) -> np.ndarray:
    return np.array([BOS, *text, EOS])


def test_shares() -> None:
    masking = Masking(0.15, MASK, TEXT)
    rng = np.random.default_rng(0)
    # letters z do not come up by chance in place of themselves often enough to matter
    ids = row(b"z" * 126)
    hidden = replaced = kept = 0
    places = np.zeros(len(ids))
    for _ in range(1000):
        chosen = masking.choose(ids, rng)
        read = masking.replace(ids, chosen, rng)
        assert chosen.sum() == 19 == round(0.15 * 128)
        assert (read[~chosen] == ids[~chosen]).all()
        hidden += int((read[chosen] == MASK).sum())
        kept += int((read[chosen] == ord("z")).sum())
        replaced += int(((read != MASK) & (read != ids)).sum())
        assert read.max() <= MASK
        assert set(read[chosen & (read != MASK)]) <= set(range(256))
        places += chosen
    assert places[0] == places[-1] == 0
    # four standard deviations of a binomial count
    assert hidden == pytest.approx(0.8 * 19_000, abs=4 * (19_000 * 0.16) ** 0.5)
    assert replaced == pytest.approx(0.1 * 19_000, abs=4 * (19_000 * 0.09) ** 0.5)
    assert hidden + replaced + kept == 19_000
    assert places[1:-1].min() > 0.5 * places[1:-1].mean()


def test_at_least_one_and_never_a_special_token() -> None:
    masking = Masking(0.15, MASK, TEXT)
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert masking.choose(row(b"a"), rng).tolist() == [False, True, False]
        assert masking.choose(np.array([BOS, EOS]), rng).tolist() == [False, False]


def test_whole_words() -> None:
    edges = Edges.of(Bytes(("<pad>", "<bos>", "<eos>", "<mask>")))
    ids = np.array([BOS, *b"ab, c d", EOS, *b"ef", EOS])
    words = [bytes(ids[places].tolist()).decode() for places in edges.words(ids, np.flatnonzero(ids < 256))]
    assert words == ["ab", ",", " ", "c", " ", "d", "ef"]
    assert edges.words(ids, np.flatnonzero(ids > 999)) == []
    masking = Masking(0.3, MASK, TEXT, edges)
    rng = np.random.default_rng(0)
    met = set()
    for _ in range(200):
        chosen = masking.choose(ids, rng)
        assert chosen.sum() == round(0.3 * len(ids))
        for places in edges.words(ids, np.flatnonzero(ids < 256)):
            assert chosen[places].all() or not chosen[places].any()
        met |= set(np.flatnonzero(chosen).tolist())
    assert met == set(np.flatnonzero(ids < 256).tolist())
