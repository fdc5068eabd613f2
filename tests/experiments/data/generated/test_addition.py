"""Addition against Python's."""

from __future__ import annotations

import pytest

from experiments.data.generated import Addition

from .every import batch_of, written


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_rule(reverse: bool, split: str) -> None:
    data = Addition(0, digits=4, shortest=2, test_digits=6, reverse=reverse)
    lengths = set()
    for tokens, asked in written(data, batch_of(data, split, 60)):
        row = "".join(tokens).replace("<pad>", "")
        question = row[: row.index("=") + 1]
        a, b = question[:-1].split("+")
        total = str(int(a) + int(b)).zfill(len(a) + 1)
        answer = total[::-1] if reverse else total
        assert len(a) == len(b)
        # the last digit of the longest sum is never read
        assert row == question + (answer if len(a) < data.digits and split == "train" else answer[:-1])
        there = [i for i, digit in enumerate(asked) if digit is not None]
        assert there == list(range(len(question) - 1, len(question) + len(a)))
        assert "".join(str(asked[i]) for i in there) == answer
        lengths.add(len(a))
    assert lengths == {"train": {2, 3, 4}, "valid": {4}, "test": {6}}[split]
    assert data.length == 20
