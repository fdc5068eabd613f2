"""Images as sequences against the arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from experiments.data.errors import BadData
from experiments.data.generated import Pixels
from experiments.data.vision.corpora import load


@pytest.mark.parametrize(("corpus", "colour", "length"), [("digits", "grey", 65), ("clipart", "rgb", 3073)])
def test_sequence(corpus: str, colour: str, length: int) -> None:
    data = Pixels(0, corpus=corpus, colour=colour, levels=16, batch_size=2)  # type: ignore[arg-type]
    images = load(corpus)["valid"]  # type: ignore[arg-type]
    batch = next(iter(data.eval_loader()))
    assert batch["tokens"].shape == (2, length)
    assert data.length == length
    side = images.pixels.shape[1]
    for tokens, pixels in zip(batch["tokens"].tolist(), images.pixels, strict=False):
        assert tokens[0] == 16
        flat = [int(value) * 16 // 256 for row in range(side) for place in pixels[row] for value in place]
        assert tokens[1:] == flat
    assert batch["labels"].tolist() == images.labels[:2].tolist()
    assert data.class_names == list(images.names)


def test_grey_of_colour() -> None:
    data = Pixels(0, corpus="clipart", batch_size=1)
    tokens = next(iter(data.eval_loader()))["tokens"][0, 1:]
    red, green, blue = load("clipart")["valid"].pixels[0].reshape(-1, 3).astype(float).T
    assert tokens.tolist() == np.rint(0.299 * red + 0.587 * green + 0.114 * blue).astype(int).tolist()
    assert (data.vocab, data.length) == (257, 1025)


def test_order_is_a_permutation_that_can_go_on() -> None:
    data = Pixels(0, corpus="digits", batch_size=200)
    loader, again = data.train_loader(), data.train_loader()
    batches = iter(loader)
    third = [next(batches) for _ in range(3)][-1]
    again.load_state_dict({"drawn": 2, "digest": ""})
    assert torch.equal(next(iter(again))["tokens"], third["tokens"])
    assert sorted(data.rows("train").keys(torch.Generator()).tolist()) == list(range(1297))


def test_told() -> None:
    data = Pixels(0, corpus="digits")
    assert data.about()["train_rows"] == 1297
    assert data.splits() == ["train", "valid", "test"]
    labels = load("digits")
    guess = np.bincount(labels["train"].labels).argmax()
    assert data.references()[0].value == pytest.approx((labels["valid"].labels == guess).mean())
    assert data.fingerprint() != Pixels(0, corpus="digits", levels=8).fingerprint()


def test_refused() -> None:
    with pytest.raises(ValueError, match="the images of 'fashion' are grey"):
        Pixels(0, colour="rgb")
    with pytest.raises(ValueError, match=r"data.levels is 300: from 2 to 256"):
        Pixels(0, levels=300)


def test_an_image_of_ones_own_is_read_as_the_training_images_are(tmp_path: Path) -> None:
    data = Pixels(0, corpus="digits")
    pixels = data.images["valid"].pixels[3]
    Image.fromarray(pixels[..., 0]).save(tmp_path / "digit.png")
    items = data.items(tmp_path)
    batch = items.rows.batch(items.rows.keys(None))
    rows = data.rows("valid")
    assert batch["tokens"].tolist() == rows.batch(torch.tensor([3]))["tokens"].tolist()
    assert list(items.inputs) == [str(tmp_path / "digit.png")]
    assert np.array_equal(np.rint(data.picture(batch, 0) * 255), pixels[..., 0])
    with pytest.raises(BadData, match="an image comes as a file"):
        data.items("digit")
