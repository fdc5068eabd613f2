"""What top-k and top-p leave of a distribution, against their definitions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from blocks.generation.sampling import probabilities


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    torch.manual_seed(7)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_top_k_keeps_the_k_likeliest_first_of_equals_first() -> None:
    logits = torch.tensor([[1.0, 3.0, 3.0, 0.0, 3.0]])
    got = probabilities(logits, 2.0, top_k=2, top_p=None)
    assert got.tolist() == [[0.0, 0.5, 0.5, 0.0, 0.0]]
    torch.testing.assert_close(probabilities(logits, 1.0, top_k=99, top_p=None), logits.softmax(-1))


@pytest.mark.parametrize(
    ("p", "kept"), [(0.5, [0]), (0.51, [0, 1]), (0.75, [0, 1]), (0.8, [0, 1, 2]), (1.0, [0, 1, 2, 3]), (1e-9, [0])]
)
def test_top_p_keeps_the_fewest_that_reach_p(p: float, kept: list[int]) -> None:
    chances = torch.tensor([0.5, 0.25, 0.125, 0.125])
    order = torch.tensor([2, 0, 3, 1])
    got = probabilities(chances[order].log().unsqueeze(0), 1.0, top_k=None, top_p=p)[0]
    want = torch.zeros(4)
    want[kept] = chances[kept] / chances[kept].sum()
    torch.testing.assert_close(got, want[order])


def test_top_p_counts_among_the_top_k_and_after_the_temperature() -> None:
    logits = torch.randn(5, 11)
    got = probabilities(logits, 0.6, top_k=4, top_p=0.7)
    for row, out in zip(logits, got, strict=True):
        scaled = (row / 0.6).exp()
        ranked = sorted(range(11), key=lambda i: -float(row[i]))[:4]
        mass = sum(float(scaled[i]) for i in ranked)
        kept, reached = [], 0.0
        while reached < 0.7 * mass:
            kept.append(ranked[len(kept)])
            reached += float(scaled[kept[-1]])
        want = torch.zeros(11)
        want[kept] = scaled[kept] / scaled[kept].sum()
        torch.testing.assert_close(out, want)
