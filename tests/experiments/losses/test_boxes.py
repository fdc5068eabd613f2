from __future__ import annotations

import pytest
import torch
from torch import Tensor

from experiments.losses.boxes import corners, generalised_iou


def by_hand(a: list[float], b: list[float]) -> float:
    """Two boxes, number by number."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b

    def overlap(p: float, w: float, q: float, v: float) -> float:
        return max(0.0, min(p + w / 2, q + v / 2) - max(p - w / 2, q - v / 2))

    def hull(p: float, w: float, q: float, v: float) -> float:
        return max(p + w / 2, q + v / 2) - min(p - w / 2, q - v / 2)

    common = overlap(ax, aw, bx, bw) * overlap(ay, ah, by, bh)
    union = aw * ah + bw * bh - common
    around = hull(ax, aw, bx, bw) * hull(ay, ah, by, bh)
    return common / union - (around - union) / around


def boxes(count: int, seed: int) -> Tensor:
    return torch.rand(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 0.9 + 0.05


def test_is_the_formula_for_every_pair() -> None:
    a, b = boxes(12, 0), boxes(9, 1)
    right = torch.tensor([[by_hand(x, y) for y in b.tolist()] for x in a.tolist()], dtype=torch.float64)
    assert (right < 0).any() and (right > 0).any()
    torch.testing.assert_close(generalised_iou(a[:, None], b[None]), right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "right"),
    [
        ([0.5, 0.5, 0.2, 0.4], [0.5, 0.5, 0.2, 0.4], 1.0),
        # side by side: nothing in common, nothing between them
        ([0.25, 0.5, 0.5, 1.0], [0.75, 0.5, 0.5, 1.0], 0.0),
        # a quarter of it
        ([0.5, 0.5, 1.0, 1.0], [0.25, 0.25, 0.5, 0.5], 0.25),
        # opposite corners: half of what encloses them is filled
        ([0.25, 0.25, 0.5, 0.5], [0.75, 0.75, 0.5, 0.5], -0.5),
    ],
)
def test_cases_that_can_be_seen(a: list[float], b: list[float], right: float) -> None:
    assert float(generalised_iou(torch.tensor(a), torch.tensor(b))) == pytest.approx(right, abs=1e-6)


def test_corners() -> None:
    low, high = corners(torch.tensor([[0.5, 0.4, 0.2, 0.6]]))
    torch.testing.assert_close(low, torch.tensor([[0.4, 0.1]]))
    torch.testing.assert_close(high, torch.tensor([[0.6, 0.7]]))


def test_boxes_apart_still_have_a_slope() -> None:
    a = torch.tensor([0.2, 0.2, 0.1, 0.1], requires_grad=True)
    generalised_iou(a, torch.tensor([0.8, 0.8, 0.1, 0.1])).backward()
    assert a.grad is not None and bool((a.grad[:2] > 0).all()), "nearer is better"
