"""Labelled images: shipped ones, archives and folders, what is refused, and new inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from experiments.data import BadData
from experiments.data.images import LabelledImages
from experiments.data.vision.augment import Augment

RED, BLUE = (255, 0, 0), (0, 0, 255)


def folders(home: Path, sizes: tuple[int, int] = (6, 4), *, count: int = 3) -> Path:
    """Two classes of plain images, columns x rows, in train and valid."""
    for split in ("train", "valid"):
        for name, colour in (("blue", BLUE), ("red", RED)):
            (home / split / name).mkdir(parents=True)
            for i in range(count):
                Image.new("RGB", sizes, colour).save(home / split / name / f"{i}.png")
    return home


def archive(path: Path, **changed: Any) -> Path:
    """Ten training and four validation images of 3 x 5 pixels."""
    dice = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, count in (("train", 10), ("valid", 4)):
        arrays[f"x_{split}"] = dice.integers(256, size=(count, 3, 5), dtype=np.uint8)
        arrays[f"y_{split}"] = np.arange(count) % 2
    np.savez(path, **{name: value for name, value in (arrays | changed).items() if value is not None})
    return path


def test_shipped_images_are_normalised() -> None:
    data = LabelledImages(batch_size=500)
    assert data.classes == 10 and data.class_names[1] == "Trouser"
    assert data.splits() == ["train", "valid", "test"]
    assert data.shape() == {"embedding.channels": 1, "embedding.backbone.channels": 1}
    assert data.positions({"embedding": {"kind": "patches", "patch": 4, "class_tokens": 1}}) == 49
    whole = torch.cat([batch["tokens"] for batch in data.eval_loader("train")])
    assert whole.shape == (5000, 1, 28, 28)
    assert abs(float(whole.mean())) < 1e-4 and abs(float(whole.std()) - 1) < 1e-3
    [reference] = data.references()
    assert reference.value == 0.1


def test_a_batch_holds_the_right_images() -> None:
    data = LabelledImages(corpus="clipart", batch_size=4)
    batch = next(iter(data.eval_loader("test")))
    raw = data.rows("test").pixels[:4]
    assert batch["tokens"].shape == (4, 3, 32, 32)
    seen = np.stack([data.picture(batch, row) for row in range(4)])
    np.testing.assert_allclose(seen, raw.numpy() / 255, atol=1e-6)
    assert batch["labels"].tolist() == data.rows("test").labels[:4].tolist()  # type: ignore[index]


def test_batches_are_a_function_of_the_seed() -> None:
    options: Any = {"batch_size": 300, "corpus": "digits", "augment": Augment(flip=True, shift=1, erase=0.5)}
    taken = iter(LabelledImages(3, **options).train_loader())
    first = [next(taken) for _ in range(6)]
    loader = LabelledImages(3, **options).train_loader()
    again = iter(loader)
    for batch in first[:3]:
        assert torch.equal(next(again)["tokens"], batch["tokens"])
    resumed = LabelledImages(3, **options).train_loader()
    resumed.load_state_dict(loader.state_dict())
    for batch in first[3:]:
        assert torch.equal(next(iter(resumed))["tokens"], batch["tokens"])
    other = next(iter(LabelledImages(4, **options).train_loader()))
    assert not torch.equal(other["tokens"], first[0]["tokens"])
    # the fifth batch begins the second pass
    assert not torch.equal(first[4]["tokens"], first[0]["tokens"])


def test_only_training_images_are_changed() -> None:
    plain = LabelledImages(corpus="digits")
    changed = LabelledImages(corpus="digits", augment=Augment(flip=True, shift=2, rotate=20.0, light=0.3))
    for split in ("train", "valid", "test"):
        a, b = (next(iter(data.eval_loader(split))) for data in (plain, changed))
        assert torch.equal(a["tokens"], b["tokens"])
    a, b = (next(iter(data.train_loader())) for data in (plain, changed))
    assert torch.equal(a["labels"], b["labels"]) and not torch.equal(a["tokens"], b["tokens"])


def test_folders(tmp_path: Path) -> None:
    home = folders(tmp_path)
    (home / "train" / "red" / ".hidden.png").write_bytes(b"")
    (home / "train" / "red" / "notes.txt").write_text("no image")
    data = LabelledImages(path=str(home), batch_size=6)
    assert data.class_names == ["blue", "red"] and data.splits() == ["train", "valid"]
    assert data.shape()["embedding.channels"] == 3
    batch = next(iter(data.eval_loader()))
    assert batch["tokens"].shape == (6, 3, 4, 6) and batch["labels"].tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(data.picture(batch, 5)[0, 0], [1, 0, 0], atol=1e-6)
    grey = LabelledImages(path=str(home), channels=1, size=8)
    assert next(iter(grey.eval_loader()))["tokens"].shape == (6, 1, 8, 8)
    assert data.fingerprint() != grey.fingerprint()
    assert data.fingerprint() == LabelledImages(path=str(home)).fingerprint()


def test_an_archive(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", x_test=np.zeros((2, 3, 5)), y_test=np.array([0, 1]))
    data = LabelledImages(path=str(path), channels=3)
    assert data.splits() == ["train", "valid", "test"] and data.class_names == ["0", "1"]
    assert next(iter(data.eval_loader("test")))["tokens"].shape == (2, 3, 3, 5)
    named = archive(tmp_path / "b.npz", y_train=np.array(["x", "y"] * 5), y_valid=np.array(["y"] * 4))
    assert LabelledImages(path=str(named)).rows("valid").labels.tolist() == [1] * 4  # type: ignore[union-attr]


def bad(path: Path | str, **options: Any) -> str:
    with pytest.raises(BadData) as error:
        LabelledImages(path=str(path), **options).prepare()
    return str(error.value)


def test_an_image_of_another_size(tmp_path: Path) -> None:
    home = folders(tmp_path)
    odd = home / "valid" / "red" / "1.png"
    Image.new("RGB", (7, 4)).save(odd)
    assert bad(home) == (f"{odd}: an image of 7 x 4 pixels, where 0.png has 6 x 4: data.size scales all to one size")
    LabelledImages(path=str(home), size=5).prepare()


def test_a_damaged_image(tmp_path: Path) -> None:
    home = folders(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(256, size=(4, 6, 3), dtype=np.uint8)).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    for content in (b"no image at all", whole[: len(whole) * 2 // 3], b""):
        (home / "train" / "red" / "1.png").write_bytes(content)
        assert "red/1.png: no image, or a damaged one" in bad(home)


def test_classes_in_folders(tmp_path: Path) -> None:
    home = folders(tmp_path)
    (home / "valid" / "green").mkdir()
    assert bad(home).endswith("valid/green: class 'green' is not in train/, which has blue, red")
    (home / "valid" / "green").rmdir()
    (home / "train" / "green").mkdir()
    assert bad(home).endswith("train/green: there is no image in this folder")


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    assert "there is no such file" in bad(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert bad(tmp_path / "empty").endswith("train: there is no such folder, which should hold train/CLASS/IMAGE")
    (tmp_path / "empty" / "train").mkdir()
    assert bad(tmp_path / "empty").endswith(
        "train: the folder is empty: it should hold a folder of images for each class"
    )
    (tmp_path / "empty" / "train" / "one").mkdir()
    assert "only one class, 'one'" in bad(tmp_path / "empty")


FLOATS = np.full((10, 3, 5), 0.5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x_train": None}, "no array x_train: there are y_train, x_valid, y_valid"),
        ({"y_valid": None}, "no array y_valid, the classes of x_valid"),
        (
            {"x_train": np.where(np.arange(150).reshape(10, 3, 5) == 20, np.nan, FLOATS)},
            "image 1 of x_train has pixels NaN",
        ),
        ({"x_train": FLOATS * 4}, "image 0 of x_train has pixels 2 to 2; float64 pixels are shares, 0 to 1"),
        ({"x_train": np.full((10, 3, 5), 300)}, "image 0 of x_train has pixels 300 to 300; int64 pixels are whole"),
        ({"x_train": np.full((10, 3, 5), "a")}, "x_train has the type <U1; pixels are numbers"),
        ({"x_train": np.zeros((10, 15), np.uint8)}, r"x_train has the shape [10, 15]; images are [n H W] or [n H W c]"),
        ({"x_train": np.zeros((10, 3, 5, 7), np.uint8)}, "x_train has 7 channels, at most 4"),
        ({"x_valid": np.zeros((4, 5, 5), np.uint8)}, "the images of x_valid are [5, 5, 1] (rows, columns, channels)"),
        ({"y_train": np.arange(9)}, "y_train has the shape [9] where x_train has 10 images"),
        ({"y_train": np.zeros(10, int)}, "only one class"),
        ({"y_train": np.zeros(10)}, "y_train has the type float64; classes are whole numbers or names"),
        ({"y_valid": np.array([0, 1, 5, 0])}, "y_valid[2] is 5, which is none of the classes 0, 1"),
        ({"y_train": np.array([{}] * 10)}, "no NumPy archive of plain arrays"),
    ],
)
def test_archives_that_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    path = archive(tmp_path / "a.npz", **changed)
    assert bad(path).startswith(f"{path}: {message}")


def test_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK nothing")
    assert "no NumPy archive of plain arrays" in bad(tmp_path / "a.npz")


def test_new_images(tmp_path: Path) -> None:
    data = LabelledImages(path=str(folders(tmp_path / "data")))
    data.prepare()
    data.save(tmp_path)
    # without the files it was trained on
    again = LabelledImages(path=str(tmp_path / "gone"))
    again.load(tmp_path)
    assert again.class_names == ["blue", "red"] and again.shape() == data.shape()
    home = tmp_path / "new"
    (home / "deeper").mkdir(parents=True)
    Image.new("RGBA", (6, 4), (255, 0, 0, 255)).save(home / "a.png")
    Image.new("L", (30, 20), 0).save(home / "deeper" / "b.jpg")
    items = again.items(home)
    assert items.inputs == [str(home / "a.png"), str(home / "deeper" / "b.jpg")]
    batch = items.rows.batch(items.rows.keys(None))
    assert set(batch) == {"tokens"} and batch["tokens"].shape == (2, 3, 4, 6)
    np.testing.assert_allclose(again.picture(batch, 0)[0, 0], [1, 0, 0], atol=1e-6)
    one = again.items(home / "a.png")
    assert torch.equal(one.rows.batch(one.rows.keys(None))["tokens"][0], batch["tokens"][0])
    np.savez(tmp_path / "new.npz", np.zeros((3, 4, 6), np.uint8))
    assert again.items(tmp_path / "new.npz").inputs[2] == f"{tmp_path / 'new.npz'}[2]"


def test_new_images_that_are_refused(tmp_path: Path) -> None:
    data = LabelledImages(corpus="digits")
    with pytest.raises(BadData, match="an image comes as a file"):
        data.items("some text")
    with pytest.raises(BadData, match=r"there is no image in this folder"):
        data.items(tmp_path)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(BadData, match=r"a\.png: no image, or a damaged one"):
        data.items(tmp_path / "a.png")
    with pytest.raises(BadData, match="there is no such file or folder"):
        data.items(tmp_path / "b.png")
