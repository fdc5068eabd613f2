"""Induction heads against a search for the trigger."""

from __future__ import annotations

import pytest
import torch

from experiments.data.generated import Induction

from .every import batch_of, written


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("split", ["train", "test"])
def test_rule(repeats: int, split: str) -> None:
    data = Induction(0, length=12, test_length=20, repeats=repeats)
    for tokens, asked in written(data, batch_of(data, split, 60)):
        assert len(tokens) == (20 if split == "test" else 12)
        places = [i for i, token in enumerate(tokens) if token == "<t>"]
        assert len(places) == repeats + 1
        assert places[-1] == len(tokens) - 1
        told = tokens[places[0] + 1]
        assert all(tokens[i + 1] == told for i in places[:-1])
        assert told != "<t>"
        assert [i for i, answer in enumerate(asked) if answer is not None] == places[1:]
        assert {asked[i] for i in places[1:]} == {told}


def test_the_trigger_stands_anywhere() -> None:
    data = Induction(0, length=9, held_out=3000)
    there = batch_of(data, "valid", 3000)["tokens"][:, :-1] == 16
    shares = there.float().mean(0)
    torch.testing.assert_close(shares, torch.tensor([1 / 7] * 7 + [0.0]), atol=0.03, rtol=0)


def test_too_short() -> None:
    with pytest.raises(ValueError, match="3 triggers and what follows them need 5 tokens"):
        Induction(0, length=4, repeats=2)
