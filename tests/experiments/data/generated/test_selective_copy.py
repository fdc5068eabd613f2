"""Selective copying against a list."""

from __future__ import annotations

import pytest
import torch

from experiments.data.generated import SelectiveCopy

from .every import batch_of, written


@pytest.mark.parametrize("split", ["train", "test"])
def test_rule(split: str) -> None:
    data = SelectiveCopy(0, symbols=4, length=20, test_length=30, alphabet=6)
    n = 30 if split == "test" else 20
    for tokens, asked in written(data, batch_of(data, split, 50)):
        sign = tokens.index("<copy>")
        shown = [token for token in tokens[:sign] if token != "."]
        assert len(shown) == 4
        assert tokens[sign:] == ["<copy>", *"...."]
        assert asked == [None] * (n - 4) + shown


def test_symbols_stand_anywhere() -> None:
    data = SelectiveCopy(0, symbols=4, length=20, held_out=3000)
    there = batch_of(data, "valid", 3000)["tokens"][:, :15] < 14
    torch.testing.assert_close(there.float().mean(0), torch.full((15,), 4 / 15), atol=0.03, rtol=0)


def test_too_many_symbols() -> None:
    with pytest.raises(ValueError, match="4 symbols, a sign and as many answers need 9 tokens"):
        SelectiveCopy(0, symbols=4, length=8)
