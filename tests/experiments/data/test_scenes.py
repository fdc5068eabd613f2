"""Scenes of digits: what is where, how they follow from their seeds, and what they cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from experiments.data import BadData
from experiments.data.scenes import Scenes
from experiments.data.vision.arrays import Images
from experiments.data.vision.corpora import load
from experiments.data.vision.scene import Canvas, draw, sprites

QUIET = Canvas(side=40, objects=4, clutter=0, noise=0.0)


def small(seed: int = 0, **options: object) -> Scenes:
    sizes = {"train_scenes": 20, "valid_scenes": 6, "test_scenes": 6, "batch_size": 4, "side": 32, "sizes": [10, 14]}
    return Scenes(seed, **(sizes | options))  # type: ignore[arg-type]


def blocks() -> Images:
    """Two white blocks: 4 x 4 in the middle of 8 x 8, and 8 x 4 at the left."""
    pixels = np.zeros((2, 8, 8, 1), np.uint8)
    pixels[0, 2:6, 2:6] = 255
    pixels[1, :, :4] = 255
    return Images(pixels, np.array([3, 7]), [str(i) for i in range(10)])


def test_sprites_are_cut_to_what_is_drawn() -> None:
    found = sprites(blocks(), [8, 16])
    assert [sprite.shape for sprite in found.pixels] == [(4, 4), (8, 4), (8, 8), (16, 8)]
    assert found.labels.tolist() == [3, 7, 3, 7]


def test_boxes_are_where_the_objects_are() -> None:
    of_blocks = sprites(blocks(), [8])
    for seed in range(30):
        scene = draw(of_blocks, QUIET, (0, seed))
        assert 1 <= len(scene.objects.labels) <= 4
        bright = scene.pixels[..., 0] > 0.5 * 255
        covered = np.zeros_like(bright)
        for (left, top, width, height), label in zip(
            scene.objects.boxes.astype(int), scene.objects.labels, strict=True
        ):
            assert (height, width) == {3: (4, 4), 7: (8, 4)}[int(label)]
            covered[top : top + height, left : left + width] = True
        assert np.array_equal(bright, covered)


def test_objects_hardly_cover_each_other() -> None:
    digits, canvas = sprites(load("digits")["train"], [16, 24]), Canvas(56, 5, 4, 0.05)
    for seed in range(40):
        boxes = draw(digits, canvas, (0, seed)).objects.boxes
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
                down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
                assert max(0, across) * max(0, down) <= 0.1 * min(a[2] * a[3], b[2] * b[3])


def test_a_batch() -> None:
    data = small()
    batch = next(iter(data.eval_loader()))
    assert {name: list(tensor.shape[:1]) for name, tensor in batch.items()} == {
        name: [4] for name in ("images", "valid", "labels", "boxes", "present")
    }
    assert batch["images"].shape == (4, 1, 32, 32) and batch["valid"].all()
    scene = draw(sprites(load("digits")["valid"], [10, 14]), data.canvas, (1, 2))
    there = batch["present"][2]
    left_top_size = scene.objects.boxes / 32
    np.testing.assert_allclose(batch["boxes"][2, there, 2:], left_top_size[:, 2:])
    np.testing.assert_allclose(batch["boxes"][2, there, :2], left_top_size[:, :2] + left_top_size[:, 2:] / 2)
    assert batch["labels"][2, there].tolist() == scene.objects.labels.tolist()
    np.testing.assert_allclose(data.picture(batch, 2), scene.pixels / 255, atol=1e-6)
    assert not batch["boxes"][~batch["present"]].any()


def test_pixels_are_normalised() -> None:
    images = torch.cat([batch["images"] for batch in small(valid_scenes=200).eval_loader()])
    assert abs(float(images.mean())) < 0.1 and abs(float(images.std()) - 1) < 0.1


def test_batches_are_a_function_of_the_seed() -> None:
    taken = iter(small(1).train_loader())
    first = [next(taken) for _ in range(7)]
    loader = small(1).train_loader()
    again = iter(loader)
    for batch in first[:3]:
        assert all(torch.equal(tensor, batch[name]) for name, tensor in next(again).items())
    resumed = small(1).train_loader()
    resumed.load_state_dict(loader.state_dict())
    rest = iter(resumed)
    for batch in first[3:]:
        assert torch.equal(next(rest)["images"], batch["images"])
    # five batches are a pass; the next has new scenes
    assert not torch.equal(first[5]["images"], first[0]["images"])
    assert not torch.equal(next(iter(small(2).train_loader()))["images"], first[0]["images"])


def test_validation_is_the_same_for_every_trial() -> None:
    one, other = (small(seed) for seed in (1, 2))
    for split in ("valid", "test"):
        for a, b in zip(one.eval_loader(split), other.eval_loader(split), strict=True):
            assert torch.equal(a["images"], b["images"])
    valid, test = (next(iter(one.eval_loader(split)))["images"] for split in ("valid", "test"))
    assert not torch.equal(valid, test)
    assert one.fingerprint() == other.fingerprint() != small(clutter=1).fingerprint()


def test_objects_that_do_not_fit() -> None:
    for sizes in ([10, 40], []):
        with pytest.raises(BadData, match=r"on a canvas of 32 x 32 pixels: each has to fit"):
            small(sizes=sizes).prepare()


def test_what_a_model_must_have() -> None:
    data = small()
    assert set(data.shape().values()) == {1}
    backbone = {"kind": "resnet", "widths": [8, 16], "dilation": False}
    assert data.positions({"encoder": {"embedding": {"kind": "image_features", "backbone": backbone}}}) == 16
    backbone["dilation"] = True
    assert data.positions({"encoder": {"embedding": {"kind": "image_features", "backbone": backbone}}}) == 64


def test_new_images_of_any_size(tmp_path: Path) -> None:
    data = small()
    data.prepare()
    data.save(tmp_path)
    again = small()
    again.load(tmp_path)
    Image.new("L", (20, 30), 255).save(tmp_path / "a.png")
    Image.new("RGB", (40, 10)).save(tmp_path / "b.png")
    items = again.items(tmp_path)
    assert [Path(name).name for name in items.inputs] == ["a.png", "b.png"]
    batch = items.rows.batch(items.rows.keys(None))
    assert set(batch) == {"images", "valid"} and batch["images"].shape == (2, 1, 30, 40)
    assert batch["valid"].sum((1, 2)).tolist() == [600, 400]
    assert not batch["images"][1, :, 10:].any()
    assert again.picture(batch, 0).shape == (30, 20, 1)
