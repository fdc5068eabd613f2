"""Labels of tokens: the loss over first pieces alone, scores that are scikit-learn's, answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from blocks.head import TokenClassificationHead
from blocks.topology import Encoder
from experiments.data import LabelledTokens
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import TokenClassification

TEXT = "Ada\tB\nmet\tO\nBob\tB\n\nwe\tO\nleft\tO\n\nnow\tP\nor\tO\nnever\tP\nagain\tO\n"


@pytest.fixture
def task(tmp_path: Path) -> TokenClassification:
    for name in ("train", "valid"):
        (tmp_path / f"{name}.conll").write_text(TEXT)
    files = {name: str(tmp_path / f"{name}.conll") for name in ("train", "valid")}
    data = LabelledTokens(0, **files, length=40, batch_size=2)
    data.prepare()
    torch.manual_seed(0)
    head = lambda dim: TokenClassificationHead(dim, classes=3)  # noqa: E731
    model = Encoder(dim=16, layers=1, heads=2, vocab=data.vocab, head=head)
    return TokenClassification(model.eval(), data, AdamW(), Constant(), label_smoothing=0.1)


def test_loss_by_hand(task: TokenClassification) -> None:
    batch = next(iter(task.data.eval_loader()))
    logits = task.model(batch["tokens"], valid=batch["valid"]).detach().log_softmax(-1)
    # "Ada met Bob" and "we left", each behind <bos>
    places = [(0, 1, 0), (0, 4, 1), (0, 8, 0), (1, 1, 1), (1, 3, 1)]
    each = [float(-0.9 * logits[b, n, c] - 0.1 * logits[b, n].mean()) for b, n, c in places]
    assert float(task.loss(batch).detach()) == pytest.approx(sum(each) / 5)
    assert task.weight(batch) == 5


def test_scores_are_scikit_learn_s(task: TokenClassification) -> None:
    true, told, nats = [], [], 0.0
    task.begin("valid")
    with torch.no_grad():
        for number, batch in enumerate(task.data.eval_loader()):
            task.add(batch, number)
            logits = task.logits(batch)
            labels = batch["labels"][batch["labelled"]]
            nats += float(torch.nn.functional.cross_entropy(logits, labels, reduction="sum"))
            true, told = true + labels.tolist(), told + logits.argmax(-1).tolist()
    metrics = task.summarise({name: float(value) for name, value in task._sums.items()})
    assert len(true) == 9
    right = {"loss": nats / 9, "accuracy": accuracy_score(true, told), "f1": f1_score(true, told, average="macro")}
    assert metrics == pytest.approx(right)


def test_answers_tell_the_label_of_each_unit(task: TokenClassification) -> None:
    items = task.tagged.items("we met Ada")
    batch = items.rows.batch(items.rows.keys(None))
    with torch.no_grad():
        [answer] = task.answers(batch)
        chances = task.logits(batch).softmax(-1)
    assert answer["units"] == ["we", "met", "Ada"]
    assert answer["labels"] == [task.tagged.class_names[i] for i in chances.argmax(-1).tolist()]
    assert answer["probabilities"] == pytest.approx(chances.amax(-1).tolist())
    assert answer["text"] == " ".join(f"{u}/{c}" for u, c in zip(answer["units"], answer["labels"], strict=True))
    figure = task.figure(batch, 0, answer)
    assert [text.get_text() for text in figure.axes[0].texts] == answer["units"]


def test_symbols_and_speeches_are_answered_as_people_write_them() -> None:
    for corpus, given, units in (
        ("hidden_states", "ACD", ["A", "C", "D"]),
        ("punctuation", "Yes, we: do", ["yes", "we", "do"]),
    ):
        data = LabelledTokens(0, corpus=corpus)  # type: ignore[arg-type]
        head = lambda dim, classes=data.classes: TokenClassificationHead(dim, classes=classes)  # noqa: E731
        model = Encoder(dim=16, layers=1, heads=2, vocab=data.vocab, head=head).eval()
        task = TokenClassification(model, data, AdamW(), Constant())
        items = data.items(given)
        [answer] = task.answers(items.rows.batch(items.rows.keys(None)))
        assert answer["units"] == units
        if corpus == "hidden_states":
            assert answer["text"] == "".join(answer["labels"])
        else:
            assert answer["text"].lower().replace(",", "").replace(".", "") == "yes we do"
