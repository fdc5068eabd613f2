"""Recall among noise against a dictionary."""

from __future__ import annotations

import pytest

from experiments.data.generated import NoisyRecall

from .every import batch_of, written


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_rule(noise: float) -> None:
    data = NoisyRecall(0, length=30, keys=5, values=4, noise=noise, noise_symbols=3)
    noisy = 0
    for tokens, asked in written(data, batch_of(data, "train", 80)):
        known: dict[str, str] = {}
        for i in range(0, 30, 2):
            key, value = tokens[i : i + 2]
            assert asked[i + 1] is None
            if key.startswith("n"):
                assert value.startswith("n")
                assert asked[i] is None
                noisy += 1
                continue
            assert asked[i] == (value if key in known else None)
            assert known.setdefault(key, value) == value
        assert asked[28] is not None
    # of fifteen pairs two are never noise, the last and another one
    assert noisy / (80 * 15) == pytest.approx(noise * 13 / 15, abs=0.04)


def test_odd_length() -> None:
    with pytest.raises(ValueError, match=r"data.length is 7: it has to be even"):
        NoisyRecall(0, length=7)
