"""Associative recall against a dictionary, and the distances against their law."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from experiments.data.generated import Recall

from .every import batch_of, written


@pytest.mark.parametrize("fill", ["random", "blank"])
def test_rule(fill: str) -> None:
    data = Recall(0, pairs=4, length=24, vocab_size=20, fill=fill)  # type: ignore[arg-type]
    for tokens, asked in written(data, batch_of(data, "train", 60)):
        keys, values = tokens[0:8:2], tokens[1:8:2]
        assert len(set(keys)) == len(set(values)) == 4
        assert all(k.startswith("k") for k in keys)
        assert all(v.startswith("v") for v in values)
        stood = dict(zip(keys, values, strict=True))
        there = [i for i, answer in enumerate(asked) if answer is not None]
        assert len(there) == 4
        assert all(i >= 8 and i % 2 == 0 for i in there)
        assert {tokens[i]: asked[i] for i in there} == stood
        if fill == "blank":
            assert all(token == "0" for i, token in enumerate(tokens[8:], start=8) if i not in there)


def test_keys_come_back_by_a_power_law() -> None:
    data = Recall(0, pairs=1, length=2 + 2 * 10, vocab_size=20, power=0.5, held_out=6000)
    slots = batch_of(data, "valid", 6000)["scored"][:, 2::2].float().mean(0)
    law = np.arange(1, 11) ** -0.5
    torch.testing.assert_close(slots.double(), torch.from_numpy(law / law.sum()), atol=0.02, rtol=0)


def test_refused() -> None:
    with pytest.raises(ValueError, match=r"data.length is 31: it has to be even, and 32 at least for 8 pairs"):
        Recall(0, pairs=8, length=31)
    with pytest.raises(ValueError, match=r"data.vocab_size is 16: 18 at least are needed for 8 pairs"):
        Recall(0, pairs=8, vocab_size=16)
