"""Fuzzy recall against a dictionary of keys as they can be read."""

from __future__ import annotations

import itertools

import pytest

from experiments.data.generated import FuzzyRecall

from .every import batch_of, written


@pytest.mark.parametrize("split", ["train", "valid"])
def test_rule(split: str) -> None:
    data = FuzzyRecall(0, length=36, key_tokens=3, value_tokens=4, key_size=2, value_size=3)
    key_sizes, value_sizes, repeated = set(), set(), 0
    for tokens, asked in written(data, batch_of(data, split, 120)):
        assert tokens[-1].startswith("v")
        start = next(i for i, token in enumerate(tokens) if token != "<pad>")
        # no more filler than there was no room for another pair
        assert start < 5
        runs = [list(run) for _, run in itertools.groupby(tokens[start:], key=lambda token: token[0])]
        known: dict[tuple[str, ...], list[str]] = {}
        behind: list[str | None] = []
        for key, value in zip(runs[0::2], runs[1::2], strict=True):
            assert len(set(key)) == len(key)
            assert len(set(value)) == len(value)
            old = tuple(key) in known
            assert known.setdefault(tuple(key), value) == value
            behind += [None] * len(key) + (list(value) if old else [None] * len(value))
            repeated += old
            key_sizes.add(len(key))
            value_sizes.add(len(value))
        assert behind[-1] is not None
        # what stands in the next place is asked
        assert [None, *asked[:-1]] == [None] * start + behind
    assert key_sizes == ({1, 2} if split == "train" else {2})
    assert value_sizes == {1, 2, 3}
    assert repeated >= 120


def test_refused() -> None:
    with pytest.raises(ValueError, match="no token comes twice in one"):
        FuzzyRecall(0, key_tokens=2)
    with pytest.raises(ValueError, match="two pairs can have 12 tokens"):
        FuzzyRecall(0, length=11)
