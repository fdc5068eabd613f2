"""Loss and accuracy of classification against a count by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from blocks.embedding import PatchEmbedding
from blocks.head import ClassificationHead
from blocks.position import Learned2d
from blocks.topology import Encoder
from experiments.data import LabelledText
from experiments.data.images import LabelledImages
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import Classification


class Bag(nn.Module):
    """Mean of the embeddings of the valid tokens."""

    def __init__(self, vocab: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, 6)
        self.head = nn.Linear(6, classes)

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        share = valid / valid.sum(1, keepdim=True)
        return self.head((self.embedding(tokens) * share[..., None]).sum(1))


@pytest.fixture
def task() -> Classification:
    data = LabelledText(0, batch_size=7)
    torch.manual_seed(0)
    return Classification(Bag(data.vocab, data.classes), data, AdamW(), Constant(), label_smoothing=0.1)


def test_against_hand(task: Classification) -> None:
    sums: dict[str, float] = {}
    losses, right = [], []
    for batch in task.data.eval_loader():
        for name, value in task.measure(batch).items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
        logits = task.model(batch["tokens"], batch["valid"]).detach()
        for row, label in zip(logits, batch["labels"].tolist(), strict=True):
            losses.append(float(row.exp().sum().log() - row[label]))
            right.append(int(row.argmax()) == label)
    metrics = task.summarise(sums)
    assert len(losses) == 200
    assert metrics == pytest.approx({"loss": sum(losses) / 200, "accuracy": sum(right) / 200})


def test_training_loss_is_smoothed(task: Classification) -> None:
    batch = next(iter(task.data.train_loader()))
    logits = task.model(batch["tokens"], batch["valid"]).detach()
    logp = (logits.exp() / logits.exp().sum(1, keepdim=True)).log()
    right = logp[torch.arange(7), batch["labels"]]
    expected = -(0.9 * right + 0.1 * logp.mean(1)).mean()
    assert float(task.loss(batch).detach()) == pytest.approx(float(expected))


def test_a_picture_of_an_image_and_its_classes() -> None:
    data = LabelledImages(corpus="digits", batch_size=2)
    head, embedding = partial(ClassificationHead, classes=10), partial(PatchEmbedding, channels=1, patch=4)
    model = Encoder(dim=16, layers=1, heads=2, position=Learned2d, embedding=embedding, head=head)
    task = Classification(model, data, AdamW(), Constant())
    batch = {"tokens": next(iter(data.eval_loader()))["tokens"].to(torch.get_default_dtype())}
    answer = task.answers(batch)[1]
    figure = task.figure(batch, 1, answer)
    assert figure is not None
    image, bars = figure.axes
    pixels = np.asarray(image.images[0].get_array())
    np.testing.assert_allclose(pixels, data.rows("valid").pixels[1, ..., 0] / 255, atol=1e-6)
    assert bars.get_yticklabels()[-1].get_text() == answer["label"]
    assert bars.patches[-1].get_width() == answer["probability"]


def test_texts_have_no_picture(task: Classification) -> None:
    task.data = LabelledText()
    assert task.figure({"tokens": torch.zeros(1, 2, dtype=torch.long)}, 0, {}) is None
