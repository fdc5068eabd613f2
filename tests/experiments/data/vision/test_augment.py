"""Augmentation, against loops over the pixels."""

from __future__ import annotations

import math

import pytest
import torch

from experiments.data.vision.augment import Augment, erased, numbers, shifted, turned

IMAGES = torch.arange(2 * 3 * 5 * 7, dtype=torch.float32).reshape(2, 3, 5, 7) + 1
SEEDS = torch.arange(400)


def test_numbers_are_each_rows_own() -> None:
    all_of_them = numbers(torch.tensor([5, 2**62 - 1, 7]), 4)
    assert torch.equal(all_of_them[1:2], numbers(torch.tensor([2**62 - 1]), 4))
    assert torch.all((all_of_them >= 0) & (all_of_them < 1))


def test_shift_repeats_the_edge() -> None:
    by = torch.tensor([[1, -2], [0, 3]])
    found = shifted(IMAGES, by)
    for i, (down, right) in enumerate(by.tolist()):
        for y in range(5):
            for x in range(7):
                source = IMAGES[i, :, min(max(y - down, 0), 4), min(max(x - right, 0), 6)]
                assert torch.equal(found[i, :, y, x], source)


def test_shift_reaches_every_place_alike() -> None:
    image = torch.zeros(len(SEEDS), 1, 9, 9)
    image[:, :, 4, 4] = 1
    moved = Augment(shift=2)(image, SEEDS).mean((0, 1))
    assert torch.all(moved[2:7, 2:7] > 0) and float(moved[2:7, 2:7].sum()) == pytest.approx(1)


def test_turning_by_nothing_changes_nothing() -> None:
    torch.testing.assert_close(turned(IMAGES, torch.zeros(2), torch.ones(2)), IMAGES)


def test_a_quarter_turn() -> None:
    square = torch.arange(16.0).reshape(1, 1, 4, 4)
    found = turned(square, torch.tensor([math.pi / 2]), torch.ones(1))
    ways = [torch.rot90(square, times, (2, 3)) for times in (1, 3)]
    assert any(torch.allclose(found, way, atol=1e-4) for way in ways)


def test_zoom_enlarges_about_the_middle() -> None:
    image = torch.zeros(1, 1, 8, 12)
    image[:, :, 3:5, 5:7] = 1
    found = turned(image, torch.zeros(1), torch.tensor([2.0]))
    assert float(found.sum()) == pytest.approx(16, rel=0.01)
    torch.testing.assert_close(found, found.flip(-1))
    torch.testing.assert_close(found, found.flip(-2))


def test_flip_half_of_the_images() -> None:
    image = torch.tensor([[[[0.0, 1.0]]]]).expand(len(SEEDS), 1, 1, 2)
    share = float(Augment(flip=True)(image, SEEDS)[:, 0, 0, 0].mean())
    assert 0.4 < share < 0.6


def test_erased_rectangles() -> None:
    ones = torch.ones(len(SEEDS), 1, 32, 32)
    found = Augment(erase=0.5)(ones, SEEDS)
    gone = 1 - found.mean((1, 2, 3))
    assert 0.4 < float((gone > 0).float().mean()) < 0.6
    assert float(gone.max()) < 0.36
    for image in found[gone > 0][:20, 0]:
        rows, columns = (image == 0).any(1), (image == 0).any(0)
        # a rectangle and nothing else
        assert torch.equal(image == 0, rows[:, None] & columns)
    never = erased(ones, torch.rand(len(SEEDS), 4), torch.zeros(len(SEEDS), dtype=torch.bool))
    assert torch.equal(never, ones)


def test_light() -> None:
    found = Augment(light=0.2)(torch.ones(len(SEEDS), 1, 1, 1), SEEDS).flatten()
    assert float(found.min()) >= 0.6 and float(found.max()) <= 1.4 and float(found.std()) > 0.1


def test_no_options_change_nothing() -> None:
    assert Augment()(IMAGES, torch.arange(2)) is IMAGES
