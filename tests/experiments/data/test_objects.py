"""Images with objects from annotation files: boxes in pixels of what is read, padding, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from experiments.data import BadData
from experiments.data.objects import Files, ObjectImages

SIZES = [(20, 10), (8, 16)]
"""Columns and rows."""


def content(**changed: Any) -> dict[str, Any]:
    """Two images; the first with two objects, one of which hangs over its edge, and a crowd, the second with none."""
    images = [{"id": 7 + i, "file_name": f"{i}.png", "width": w, "height": h} for i, (w, h) in enumerate(SIZES)]
    annotations = [
        {"id": 1, "image_id": 7, "category_id": 5, "bbox": [2, 1, 8, 4]},
        {"id": 2, "image_id": 7, "category_id": 3, "bbox": [15, -2, 10, 6]},
        {"id": 3, "image_id": 7, "category_id": 3, "bbox": [0, 0, 20, 10], "iscrowd": 1},
        {"id": 4, "image_id": 8, "category_id": 3, "bbox": [30, 1, 2, 2]},
    ]
    categories = [{"id": 5, "name": "cat"}, {"id": 3, "name": "dog"}]
    return {"images": images, "annotations": annotations, "categories": categories} | changed


def files(home: Path, said: Any = None) -> Files:
    home.mkdir(exist_ok=True)
    for i, (width, height) in enumerate(SIZES):
        pixels = np.full((height, width, 3), 40 * (i + 1), np.uint8)
        pixels[0, 0] = 255
        Image.fromarray(pixels).save(home / f"{i}.png")
    (home / "objects.json").write_text(said if isinstance(said, str) else json.dumps(said or content()))
    return Files(str(home / "objects.json"), str(home))


def data(tmp_path: Path, said: Any = None, **options: Any) -> ObjectImages:
    valid = options.pop("valid", None) or files(tmp_path / "valid")
    return ObjectImages(0, train=files(tmp_path / "train", said), valid=valid, **options)


def test_a_batch(tmp_path: Path) -> None:
    found = data(tmp_path)
    assert found.class_names == ["dog", "cat"] and found.splits() == ["train", "valid"]
    assert found.shape()["encoder.embedding.channels"] == 3
    batch = next(iter(found.eval_loader()))
    assert batch["images"].shape == (2, 3, 16, 20)
    assert batch["valid"].sum((1, 2)).tolist() == [200, 128]
    assert batch["present"].tolist() == [[True, True], [False, False]]
    assert batch["labels"][0].tolist() == [1, 0]
    shares = [[6 / 20, 3 / 10, 8 / 20, 4 / 10], [17.5 / 20, 2 / 10, 5 / 20, 4 / 10]]
    torch.testing.assert_close(batch["boxes"][0], torch.tensor(shares))
    assert not batch["images"][0, :, 10:].any() and not batch["images"][1, :, :, 8:].any()
    np.testing.assert_allclose(found.picture(batch, 1)[1, 1], 80 / 255, atol=1e-6)
    about = found.about()
    assert (about["train_objects"], about["train_boxes_left_out"]) == (2, 2)


def test_large_images_are_scaled_with_their_boxes(tmp_path: Path) -> None:
    found = data(tmp_path, longest=10)
    batch = next(iter(found.eval_loader()))
    assert batch["images"].shape == (2, 3, 10, 10)
    torch.testing.assert_close(batch["boxes"], next(iter(data(tmp_path).eval_loader()))["boxes"])
    assert found.positions({"encoder": {"embedding": {"kind": "patches", "patch": 4}}}) == 9
    assert found.fingerprint() != data(tmp_path).fingerprint()


def test_mirrored_in_training_only(tmp_path: Path) -> None:
    found = data(tmp_path, flip=True, batch_size=2)
    plain, taken = data(tmp_path, batch_size=2), iter(found.train_loader())
    first, changed = None, 0
    for batch, right in zip((next(taken) for _ in range(20)), plain.train_loader(), strict=False):
        for row in range(2):
            there = right["present"][row]
            mirrored = not torch.equal(batch["images"][row], right["images"][row])
            boxes = right["boxes"][row, there].clone()
            if mirrored:
                boxes[:, 0] = 1 - boxes[:, 0]
                changed += 1
            torch.testing.assert_close(batch["boxes"][row, there], boxes)
        first = batch if first is None else first
    assert 5 < changed < 35
    assert first is not None
    assert torch.equal(next(iter(data(tmp_path, flip=True, batch_size=2).train_loader()))["images"], first["images"])
    a, b = (next(iter(kind.eval_loader("train"))) for kind in (found, plain))
    assert torch.equal(a["images"], b["images"])


def bad(tmp_path: Path, said: Any) -> str:
    with pytest.raises(BadData) as error:
        data(tmp_path, said).prepare()
    return str(error.value).removeprefix(f"{tmp_path / 'train' / 'objects.json'}:")


BOX = {"id": 1, "image_id": 7, "category_id": 5, "bbox": [2, 1, 8, 4]}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{", "1: no JSON: "),
        ("[]", " no annotation file of COCO"),
        (content(images={}), " no list 'images' as COCO has it; there are images, annotations, categories"),
        (content(categories=[]), " the list 'categories' is empty"),
        (content(annotations=[{**BOX, "image_id": 1}]), " annotations[0] is of image 1, which images does not have"),
        (content(annotations=[{**BOX, "category_id": 1}]), " annotations[0] has category 1, which categories does"),
        (content(annotations=[BOX, {**BOX, "bbox": [1, 2, 3]}]), " annotations[1] has the bbox [1, 2, 3]; it is"),
        (content(annotations=[{**BOX, "bbox": [1, 2, 3, float("nan")]}]), " annotations[0] has the bbox"),
        (content(annotations=[{"image_id": 7}]), " annotations[0] has no category_id"),
        (content(images=[{"id": 7, "file_name": "0.png", "width": 0, "height": 4}]), " images[0] has height 4 and"),
    ],
)
def test_annotations_that_are_refused(tmp_path: Path, said: Any, message: str) -> None:
    assert bad(tmp_path, said).startswith(message)


def test_images_that_are_refused(tmp_path: Path) -> None:
    gone = content()
    gone["images"][1]["file_name"] = "2.png"
    assert bad(tmp_path, gone).endswith("2.png: there is no such file")
    other = content()
    other["images"][1]["width"] = 30
    assert "1.png: 30 x 16 pixels by its entry in" in bad(tmp_path, other)
    broken = data(tmp_path)
    (tmp_path / "train" / "0.png").write_bytes(b"x")
    with pytest.raises(BadData, match=r"0\.png: no image, or a damaged one"):
        broken.prepare()


def test_classes_unseen_in_training(tmp_path: Path) -> None:
    valid = files(tmp_path / "valid", content(categories=[{"id": 5, "name": "cat"}, {"id": 3, "name": "cow"}]))
    with pytest.raises(BadData, match="category 'cow' is not in the training file, which has dog, cat"):
        data(tmp_path, valid=valid).prepare()
    with pytest.raises(BadData, match=r"there is no test split: give data\.test its files"):
        data(tmp_path).rows("test")


def test_new_images(tmp_path: Path) -> None:
    found = data(tmp_path, longest=10)
    found.prepare()
    (tmp_path / "run").mkdir()
    found.save(tmp_path / "run")
    gone = Files("gone.json", "gone")
    again = ObjectImages(train=gone, valid=gone, longest=10)
    again.load(tmp_path / "run")
    assert again.class_names == ["dog", "cat"]
    items = again.items(tmp_path / "valid" / "0.png")
    batch = items.rows.batch(items.rows.keys(None))
    assert set(batch) == {"images", "valid"} and batch["images"].shape == (1, 3, 5, 10)
