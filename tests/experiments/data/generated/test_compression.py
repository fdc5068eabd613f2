"""Compression: the row itself."""

from __future__ import annotations

import pytest

from experiments.data.generated import Compression

from .every import batch_of, written


def test_rule() -> None:
    data = Compression(0, length=9, alphabet=4)
    for tokens, asked in written(data, batch_of(data, "train", 20)):
        assert tokens[-1] == "<end>"
        assert "<end>" not in tokens[:-1]
        assert asked == [*tokens[:-1], None]
    assert data.shape() == {"head.length": 9}


def test_too_short() -> None:
    with pytest.raises(ValueError, match="nothing in front of the sign"):
        Compression(0, length=1)
