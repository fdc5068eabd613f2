"""Parity against counting."""

from __future__ import annotations

import pytest

from experiments.data.generated import Parity

from .every import batch_of, written


@pytest.mark.parametrize("split", ["valid", "test"])
def test_rule(split: str) -> None:
    data = Parity(0, length=6, test_length=10, ask_from=3)
    first, n = (6, 10) if split == "test" else (2, 6)
    for tokens, asked in written(data, batch_of(data, split, 60)):
        assert len(tokens) == n
        right = [str(tokens[: i + 1].count("1") % 2) for i in range(n)]
        assert asked == [None] * first + right[first:]


def test_refused() -> None:
    with pytest.raises(ValueError, match=r"data.test_length is 4: it has to be longer than data.length, 6"):
        Parity(0, length=6, test_length=4)
    with pytest.raises(ValueError, match="no question is left"):
        Parity(0, length=6, ask_from=7)
