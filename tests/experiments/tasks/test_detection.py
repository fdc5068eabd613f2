"""Loss and metrics of detection on images made by hand."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from blocks.backbone import ResNet
from blocks.embedding import ImageFeatures, Queries
from blocks.head import DetectionHead
from blocks.placement import Post
from blocks.position import EveryLayer, Learned, Sinusoidal2d
from blocks.tap import Tap
from blocks.topology import EncoderDecoder
from blocks.topology.encoder_decoder import DecoderSide, EncoderSide
from experiments.data import Data
from experiments.losses import Objects, Predictions, Weights, set_loss
from experiments.optimizers import AdamW
from experiments.ranks import Ranks
from experiments.schedules import Constant
from experiments.tasks import Detection

CLASSES, QUERIES = 3, 5


def detector() -> EncoderDecoder:
    backbone = partial(ResNet, stem=8, widths=[8, 16], depths=[1, 1])
    return EncoderDecoder(
        dim=16,
        layers=2,
        heads=2,
        placement=Post,
        embedding=partial(Queries, count=QUERIES),
        head=partial(DetectionHead, classes=CLASSES),
        encoder=EncoderSide(
            embedding=partial(ImageFeatures, backbone=backbone), position=partial(EveryLayer, scheme=Sinusoidal2d)
        ),
        decoder=DecoderSide(
            causal=False, final_norm=True, position=partial(EveryLayer, scheme=partial(Learned, length=QUERIES))
        ),
    )


def task(*, auxiliary: bool = True) -> Detection:
    torch.manual_seed(0)
    return Detection(
        detector(), cast(Data, None), AdamW(), Constant(), auxiliary=auxiliary, weights=Weights(2.0, 3.0, 1.0)
    )


def batch(sizes: tuple[int, ...] = (2, 0, 3), seed: int = 0) -> dict[str, Tensor]:
    """Images with so many objects each: a bright rectangle whose channel is its class."""
    dice = torch.Generator().manual_seed(seed)
    images, boxes = torch.zeros(len(sizes), 3, 32, 40), torch.zeros(len(sizes), 3, 4)
    valid = torch.ones(len(sizes), 32, 40, dtype=torch.bool)
    valid[0, 24:] = False
    labels = torch.randint(CLASSES, (len(sizes), 3), generator=dice)
    for i, size in enumerate(sizes):
        for t in range(size):
            x, y = (int(n) for n in torch.randint(0, 16, (2,), generator=dice))
            images[i, labels[i, t], y : y + 8, x : x + 12] = 1.0
            height = 24 if i == 0 else 32
            boxes[i, t] = torch.tensor([(x + 6) / 40, (y + 4) / height, 12 / 40, 8 / height])
    present = torch.arange(3) < torch.tensor(sizes).unsqueeze(1)
    return {"images": images, "valid": valid, "labels": labels, "boxes": boxes, "present": present}


def objects(given: dict[str, Tensor]) -> list[Objects]:
    counts = given["present"].sum(1).tolist()
    return [Objects(given["labels"][i, :n], given["boxes"][i, :n]) for i, n in enumerate(counts)]


def test_the_loss_is_that_of_every_decoder_layer() -> None:
    both, last, given = task(), task(auxiliary=False), batch()
    said = both.predict(given, earlier=True)
    assert len(said) == 2
    model = both.detector.eval()
    tap = Tap()
    out = model.run(source=given["images"], source_valid=given["valid"], tap=tap)
    earlier = model.decoder.norm(tap.hidden["decoder"][1])
    torch.testing.assert_close(said[0].logits, model.head(earlier, out.at, model.embedding))
    torch.testing.assert_close(said[1].logits, out.logits)
    torch.testing.assert_close(said[1].boxes, out.beside["boxes"])
    right = [set_loss([Predictions(s.logits, s.boxes)], objects(given), weights=both.weights).total for s in said]
    torch.testing.assert_close(both.loss(given), right[0] + right[1])
    torch.testing.assert_close(last.loss(given), right[1])


def test_validation_does_not_depend_on_how_images_are_put_together() -> None:
    trial, given = task(), batch()
    trial.detector.eval()
    sums: dict[str, float] = {}
    for i in range(3):
        for name, value in trial.measure({key: t[i : i + 1] for key, t in given.items()}).items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
    whole = trial.summarise({name: float(value.detach()) for name, value in trial.measure(given).items()})
    assert trial.summarise(sums) == pytest.approx(whole)
    [layer] = set_loss(trial.predict(given, earlier=False), objects(given)).layers
    parts = {name: float(getattr(layer, name).detach()) for name in ("classes", "l1", "giou", "cardinality_error")}
    loss = 2 * parts["classes"] + 3 * parts["l1"] + parts["giou"]
    assert whole == pytest.approx({"loss": loss, **parts})


def test_the_model_is_saved_once() -> None:
    assert all(name.startswith("model.") for name in task().state_dict())


def test_objects_are_counted() -> None:
    assert task().count(batch()) == 5


def test_images_without_objects_are_measured() -> None:
    trial = task()
    found = trial.summarise({n: float(v.detach()) for n, v in trial.measure(batch((0, 0))).items()})
    assert found["l1"] == found["giou"] == 0.0


def test_learns_what_is_in_a_few_images() -> None:
    trial, given = task(), batch()
    optimizer = torch.optim.Adam(trial.parameters(), lr=3e-3)
    before = float(trial.loss(given).detach())
    for _ in range(60):
        optimizer.zero_grad()
        trial.loss(given).backward()
        optimizer.step()
    assert float(trial.loss(given).detach()) < 0.5 * before


class Names:
    """Data that know the classes' names and show the first channel."""

    class_names = ("a", "b", "c")

    def picture(self, batch: dict[str, Tensor], row: int) -> np.ndarray:
        return batch["images"][row, 0].float().numpy()


def said(given: dict[str, Tensor]) -> list[Predictions]:
    """The true objects, the last of each image first, and queries that say there is nothing."""
    logits, boxes = torch.zeros(3, QUERIES, CLASSES + 1), torch.full((3, QUERIES, 4), 0.5)
    logits[..., -1] = 5.0
    for i, count in enumerate(given["present"].sum(1).tolist()):
        for t in range(count):
            query = count - 1 - t
            logits[i, query, given["labels"][i, t]] = 10.0 - t
            boxes[i, query] = given["boxes"][i, t]
    return [Predictions(logits, boxes)]


def test_right_answers_are_precise(monkeypatch: pytest.MonkeyPatch) -> None:
    trial, given = task(), batch()
    monkeypatch.setattr(trial, "predict", lambda batch, earlier: said(batch))
    trial.begin("valid")
    trial.add(given, 0)
    found = trial.summarise({name: float(value) for name, value in trial._sums.items()})
    assert found["map_50"] == found["map"] == pytest.approx(1.0)
    assert found["cardinality_error"] == 0.0
    trial.begin("test")
    wrong = {**given, "labels": (given["labels"] + 1) % CLASSES}
    monkeypatch.setattr(trial, "predict", lambda batch, earlier: said(given))
    trial.add(wrong, 0)
    assert trial.summarise({name: float(value) for name, value in trial._sums.items()})["map_50"] < 0.5


def test_answers_are_the_objects_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    trial, given = task(), batch()
    trial.data = cast(Data, Names())
    monkeypatch.setattr(trial, "predict", lambda batch, earlier: said(given))
    answers = trial.answers({"images": given["images"], "valid": given["valid"]})
    assert [len(answer["objects"]) for answer in answers] == [2, 0, 3]
    for t, entry in enumerate(answers[2]["objects"]):
        assert entry["label"] == "abc"[int(given["labels"][2, t])]
        x, y, w, h = given["boxes"][2, t].tolist()
        assert entry["box"] == pytest.approx([(x - w / 2) * 40, (y - h / 2) * 32, 40 * w, 32 * h])
    scores = [entry["score"] for entry in answers[2]["objects"]]
    assert scores == sorted(scores, reverse=True)
    # the padding below the first image is no part of it
    assert answers[0]["objects"][0]["box"][3] == pytest.approx(float(given["boxes"][0, 0, 3]) * 24)
    json.dumps(answers)


def test_a_picture_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    trial, given = task(), batch()
    trial.data = cast(Data, Names())
    monkeypatch.setattr(trial, "predict", lambda batch, earlier: said(given))
    answer = trial.answers(given)[2]
    [axes] = trial.figure(given, 2, answer).axes  # type: ignore[union-attr]
    boxes = [(patch.get_linestyle(), patch.get_width()) for patch in axes.patches]
    assert boxes == [("--", pytest.approx(12))] * 3 + [("-", pytest.approx(12))] * 3
    new = {"images": given["images"], "valid": given["valid"]}
    [axes] = trial.figure(new, 2, answer).axes  # type: ignore[union-attr]
    assert len(axes.patches) == 3


class Gathered(Ranks):
    """`gather` gives what has been put here."""

    def __init__(self, values: list[Any]) -> None:
        super().__init__()
        object.__setattr__(self, "values", values)

    def gather(self, value: Any) -> list[Any]:
        found: list[Any] = self.values  # type: ignore[attr-defined]
        return found


def test_precision_is_that_of_all_ranks_together(monkeypatch: pytest.MonkeyPatch) -> None:
    given, alone, ranks = batch(), task(), [task(), task()]
    # the first image is answered rightly, the others are not
    [right] = said(given)
    right.boxes[1:] = 0.1
    shares = [slice(0, 3), slice(0, 1), slice(1, 3)]
    for trial, share in zip((alone, *ranks), shares, strict=True):
        mine = Predictions(right.logits[share], right.boxes[share])
        monkeypatch.setattr(trial, "predict", lambda batch, earlier, mine=mine: [mine])
        trial.begin("valid")
        trial.add({name: tensor[share] for name, tensor in given.items()}, 0)
    sums = {name: float(value) for name, value in alone._sums.items()}
    expected = alone.summarise(sums)
    assert ranks[0].summarise(sums)["map_50"] == pytest.approx(1.0)
    assert expected["map_50"] < 1.0
    ranks[0].ranks = Gathered([trial.seen for trial in ranks])
    assert ranks[0].summarise(sums) == pytest.approx(expected)
