"""Span corruption: loss by hand, the accuracy of text alone, and answers from what a model writes."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from blocks.topology import EncoderDecoder
from experiments.data import CorruptedText
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import SpanCorruption

BOS, EOS, LAST = 257, 258, 266


@pytest.fixture
def task(tmp_path: Path) -> SpanCorruption:
    for name in ("train", "valid"):
        (tmp_path / f"{name}.txt").write_text("".join(f"number {i}. " for i in range(30)))
    files = {name: str(tmp_path / f"{name}.txt") for name in ("train", "valid")}
    data = CorruptedText(0, **files, length=30, batch_size=4, sentinels=8)
    torch.manual_seed(1)
    model = EncoderDecoder(dim=16, layers=1, heads=2, vocab=data.vocab)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return SpanCorruption(model.eval(), data, AdamW(), Constant())


def test_metrics_by_hand(task: SpanCorruption) -> None:
    nats, right, tokens, text, text_nats, text_right = 0.0, 0, 0, 0, 0.0, 0
    sums: dict[str, float] = {}
    with torch.no_grad():
        for batch in task.data.eval_loader():
            assert float(task.loss(batch)) == pytest.approx(float(task.measure(batch)["nats"]) / batch["valid"].sum())
            for name, value in task.measure(batch).items():
                sums[name] = sums.get(name, 0.0) + float(value)
            for row in range(len(batch["tokens"])):
                chances = task.model(batch["tokens"][row : row + 1], source=batch["source"][row : row + 1])[0]
                for place, answer in enumerate(batch["targets"][row].tolist()):
                    nats -= float(chances[place].log_softmax(-1)[answer])
                    hit = int(chances[place].argmax()) == answer
                    right, tokens = right + hit, tokens + 1
                    if answer < 256:
                        text, text_right = text + 1, text_right + (int(chances[place, :256].argmax()) == answer)
                        text_nats -= float(chances[place, :256].log_softmax(-1)[answer])
    assert task.summarise(sums) == pytest.approx(
        {
            "loss": nats / tokens,
            "perplexity": math.exp(nats / tokens),
            "accuracy": right / tokens,
            "text_accuracy": text_right / text,
            "text_perplexity": math.exp(text_nats / text),
        }
    )


def test_text_accuracy_leaves_sentinels_out(task: SpanCorruption, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a right sentinel it says nothing, nor does it count that one was likelier than a text's right token."""
    batch = next(iter(task.data.eval_loader()))
    said = batch["targets"].clone()
    said[said < 256] = 0
    said[0, 1] = batch["targets"][0, 1]
    logits = torch.nn.functional.one_hot(said, task.text.vocab).double()
    logits[0, 1, LAST] = 2.0
    monkeypatch.setattr(task, "logits", lambda batch: logits)
    found = task.summarise({name: float(value) for name, value in task.measure(batch).items()})
    text = int((batch["targets"] < 256).sum())
    assert found["text_accuracy"] == pytest.approx(1 / text)
    assert found["accuracy"] == pytest.approx((batch["targets"].numel() - text) / batch["targets"].numel())


def test_answers(task: SpanCorruption, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans stand behind their sentinels; what comes before the first one, or behind <eos>, counts for nothing."""
    written = [
        [120, LAST, *b" cat", LAST - 1, *b"on", EOS, EOS],
        [LAST - 1, *b"x", EOS, EOS, EOS, EOS, EOS, EOS, EOS, EOS],
    ]
    written[1] += [EOS] * (len(written[0]) - len(written[1]))
    monkeypatch.setattr("experiments.tasks.span_corruption.generate", lambda *args, **options: torch.tensor(written))
    rows = task.text.items("the<mask> sat <mask> it").rows
    batch = rows.batch(torch.tensor([0, 0]))
    assert task.answers(batch) == [
        {"text": "the cat sat on it", "spans": [" cat", "on"]},
        {"text": "the sat x it", "spans": ["", "x"]},
    ]


def test_answers_are_decoded(task: SpanCorruption) -> None:
    rows = task.text.items("the<mask> sat").rows
    [answer] = task.answers(rows.batch(torch.tensor([0])))
    assert set(answer) == {"text", "spans"}
    assert answer["text"].startswith("the")
