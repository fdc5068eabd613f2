"""Copy, reversal and sorting against lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from experiments.data.generated import Copy, Reversal, Sorting
from experiments.data.generated.prompted import GivenBack

from .every import batch_of, written

RULES: list[tuple[type[GivenBack], Callable[[list[str]], list[str]]]] = [
    (Copy, lambda shown: shown),
    (Reversal, lambda shown: shown[::-1]),
    (Sorting, sorted),
]


@pytest.mark.parametrize(("kind", "rule"), RULES)
@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_rule(kind: type[GivenBack], rule: Callable[[list[str]], list[str]], split: str) -> None:
    data = kind(0, symbols=8, shortest=3, test_symbols=12, alphabet=5)
    lengths = set()
    for tokens, asked in written(data, batch_of(data, split, 60)):
        k = tokens.index("<sep>")
        shown, answer = tokens[:k], rule(tokens[:k])
        row = [*shown, "<sep>", *answer]
        row += ["<pad>"] * (len(tokens) + 1 - len(row))
        assert tokens == row[:-1]
        assert asked == [None] * k + answer + [None] * (len(tokens) - 2 * k)
        lengths.add(k)
    assert lengths == {"train": {3, 4, 5, 6, 7, 8}, "valid": {8}, "test": {12}}[split]
    assert data.length == 24
