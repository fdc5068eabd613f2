"""Spans: the loss by hand, the best span against all of them, SQuAD's scores, answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from blocks.embedding import TokenEmbedding
from blocks.head import SpanHead
from blocks.topology import Encoder
from experiments.data import Questions
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import QuestionAnswering
from experiments.tasks.question_answering import best_spans
from experiments.tasks.span_scores import exact_match, token_f1

ROWS = [("who met?", "Ada met Bob.", "Ada", 0), ("when", "it is in May, they say", "May", 9), ("why", "so", "so", 0)]


@pytest.fixture
def task(tmp_path: Path) -> QuestionAnswering:
    names = ("question", "context", "answer", "start")
    for name in ("train", "valid"):
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in ROWS]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    files = {name: str(tmp_path / f"{name}.jsonl") for name in ("train", "valid")}
    # in evaluation the second answer is not there: its context is cut before it
    data = Questions(0, **files, length=23, batch_size=2)
    data.prepare()
    torch.manual_seed(0)
    embedding = lambda dim, vocab: TokenEmbedding(dim, vocab, types=2)  # noqa: E731
    model = Encoder(dim=16, layers=1, heads=2, vocab=data.vocab, head=SpanHead, embedding=embedding)
    return QuestionAnswering(model.eval(), data, AdamW(), Constant(), longest=4)


def cut(task: QuestionAnswering) -> None:
    """The same questions with so few places that the second answer is lost."""
    asked, answer = task.data.rows("valid").asked[1]  # type: ignore[attr-defined]
    task.data.rows("valid").asked[1] = (asked.cut(10), answer)  # type: ignore[attr-defined]


def test_loss_by_hand(task: QuestionAnswering) -> None:
    batch = next(iter(task.data.eval_loader()))
    logits = task.model(batch["tokens"], valid=batch["valid"], types=batch["types"]).detach()
    each = []
    for row, (inside, first, last) in enumerate(((range(10, 22), 10, 12), (range(6, 22), 15, 17))):
        chances = logits[row, list(inside)].log_softmax(0)
        each.append(-float(chances[first - inside[0], 0] + chances[last - inside[0], 1]) / 2)
    assert float(task.loss(batch).detach()) == pytest.approx(sum(each) / 2)
    assert task.weight(batch) == 2


def test_an_answer_that_is_not_there_has_no_loss_and_is_never_right(task: QuestionAnswering) -> None:
    batch = next(iter(task.data.eval_loader()))
    alone = {name: tensor[:1] for name, tensor in batch.items()}
    cut(task)
    lost = next(iter(task.data.eval_loader()))
    assert task.weight(lost) == 1
    assert float(task.loss(lost).detach()) == pytest.approx(float(task.loss(alone).detach()), rel=1e-5)
    task.begin("valid")
    assert float(task.measure(lost)["questions"]) == 2


def test_metrics(task: QuestionAnswering) -> None:
    task.begin("valid")
    pairs, places = [], 0
    with torch.no_grad():
        for number, batch in enumerate(task.data.eval_loader()):
            task.add(batch, number)
            for answer, row in zip(task.answers(batch), batch["rows"].tolist(), strict=True):
                pairs.append((answer["answer"], ROWS[row][2]))
            first, last, _ = best_spans(*task.logits(batch), 4)
            places += int(((first == batch["starts"]) & (last == batch["ends"])).sum())
    metrics = task.summarise({name: float(value) for name, value in task._sums.items()})
    assert metrics["exact_match"] == pytest.approx(sum(exact_match(*p) for p in pairs) / 3)
    assert metrics["f1"] == pytest.approx(sum(token_f1(*p) for p in pairs) / 3)
    assert metrics["places"] == pytest.approx(places / 3)


def test_best_spans_against_every_span() -> None:
    start, end = torch.randn(5, 9), torch.randn(5, 9)
    start[2, 4:], end[2, 4:] = -torch.inf, -torch.inf
    first, last, chance = best_spans(start, end, 3)
    for row in range(5):
        p, q = start[row].softmax(0), end[row].softmax(0)
        all_spans = {(a, b): float(p[a] * q[b]) for a in range(9) for b in range(a, min(9, a + 3))}
        assert (int(first[row]), int(last[row])) == max(all_spans, key=all_spans.__getitem__)
        assert float(chance[row]) == pytest.approx(max(all_spans.values()))


@pytest.mark.parametrize(
    ("found", "right", "exact", "f1"),
    [
        ("The Ada.", "ada", 1, 1),
        ("Ada met Bob", "Bob", 0, 0.5),
        ("met Ada met", "Ada met", 0, 0.8),
        ("", "Ada", 0, 0),
        ("the", "a", 1, 1),
    ],
)
def test_scores_by_hand(found: str, right: str, exact: float, f1: float) -> None:
    assert (exact_match(found, right), token_f1(found, right)) == (exact, pytest.approx(f1))


def test_new_inputs_are_answered_from_the_text_alone(task: QuestionAnswering) -> None:
    items = task.data.items("who met?\nAda met Bob.")
    batch = items.rows.batch(items.rows.keys(None))
    with torch.no_grad():
        [answer] = task.answers(batch)
        assert answer["answer"] and answer["answer"] in "Ada met Bob." and 0 < answer["probability"] < 1
        figure = task.figure(batch, 0, answer)
    assert len(figure.axes[0].patches) == 2 * len("Ada met Bob.")
