"""Images as sequences against the arrays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

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
