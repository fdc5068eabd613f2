"""Text to text: scores by task against plain greedy decoding and the library; only so many rows are decoded."""

from __future__ import annotations

from pathlib import Path

import pytest
import sacrebleu
import torch
from torch import Tensor

from blocks.topology import EncoderDecoder
from experiments.data import TextToText
from experiments.data.text_to_text import TextTask
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import Task, TextToTextTask

BOS, EOS = 257, 258
KINDS = [(f"text number {i}", "ab"[i % 2]) for i in range(5)]
PAIRS = [("in the beginning", "en el principio"), ("one", "uno"), ("a b c d", "f g h i")]


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TextToTextTask:
    for name in ("train", "valid", "test"):
        (tmp_path / f"k{name}.tsv").write_text("\n".join("\t".join(row) for row in [("text", "label"), *KINDS]) + "\n")
        (tmp_path / f"p{name}.tsv").write_text("\n".join("\t".join(row) for row in [("en", "es"), *PAIRS]) + "\n")
    files = {of: {name: str(tmp_path / f"{of}{name}.tsv") for name in ("train", "valid", "test")} for of in "kp"}
    tasks = {
        "kind": TextTask("text", "label", "kind: ", **files["k"]),
        "translate": TextTask("en", "es", "es: ", "overlap", **files["p"]),
    }
    data = TextToText(0, tasks=tasks, length=14, batch_size=2)
    torch.manual_seed(1)
    model = EncoderDecoder(dim=16, layers=1, heads=2, vocab=data.vocab)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    monkeypatch.setattr(Task, "record", lambda *args: None)
    monkeypatch.setattr(Task, "global_step", 1)
    return TextToTextTask(model.eval(), data, AdamW(), Constant())


def greedy(task: TextToTextTask, text: str) -> str:
    """The plain form: one row without padding, the whole prefix again for each token."""
    ids, source = [BOS], torch.tensor([[*text.encode()[:13], EOS]])
    while len(ids) <= 14 and ids[-1] != EOS:
        logits: Tensor = task.model(torch.tensor([ids]), source=source)
        ids.append(int(logits[0, -1].argmax()))
    return task.text.tokenizer.decode(ids)


def evaluate(task: TextToTextTask, split: str) -> dict[str, float]:
    """What Lightning does, without it."""
    task.begin(split)
    with torch.no_grad():
        for number, batch in enumerate(task.data.eval_loader(split)):
            task._evaluate(batch, number)
    return {name.partition("/")[2]: value for name, value in task._metrics().items()}


def test_answers_are_those_of_plain_greedy_decoding(task: TextToTextTask) -> None:
    evaluate(task, "valid")
    with torch.no_grad():
        expected = [("kind", greedy(task, f"kind: {text}"), label) for text, label in KINDS]
        expected += [("translate", greedy(task, f"es: {text}"), other) for text, other in PAIRS]
    assert sorted(task.answered) == sorted(expected)
    assert len({found for _, found, _ in task.answered}) > 2


def test_scores(task: TextToTextTask, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"a": "a", "b": "a", "en el principio": "en el", "uno": "uno", "f g h i": "f g h i"}

    def written(batch: dict[str, Tensor]) -> list[str]:
        return [said[task.text.rows(task.split).texts[i]] for i in batch["rows"].tolist()]

    monkeypatch.setattr(task, "written", written)
    found = evaluate(task, "valid")
    references = [other for _, other in PAIRS]
    chrf = sacrebleu.corpus_chrf([said[other] for other in references], [references]).score
    bleu = sacrebleu.corpus_bleu([said[other] for other in references], [references]).score
    assert found["kind_accuracy"] == pytest.approx(3 / 5)
    assert (found["translate_chrf"], found["translate_bleu"]) == pytest.approx((chrf, bleu))
    assert found["score"] == pytest.approx((60 + chrf) / 2)
    assert {"loss", "perplexity", "bits_per_byte", "accuracy"} < set(found)


def test_so_many_rows_of_each_task_are_decoded(task: TextToTextTask) -> None:
    task.decode = 2
    evaluate(task, "valid")
    assert [name for name, _, _ in task.answered].count("kind") == 2
    assert [name for name, _, _ in task.answered].count("translate") == 2
    evaluate(task, "test")
    assert len(task.answered) == 8
    task.decode = 0
    assert "score" not in evaluate(task, "valid")


def test_loss_by_hand(task: TextToTextTask) -> None:
    batch = next(iter(task.data.train_loader()))
    logp = task.logits(batch).detach().log_softmax(-1)
    each = [-float(logp[b, n, batch["targets"][b, n]]) for b, n in batch["valid"].nonzero().tolist()]
    assert float(task.loss(batch).detach()) == pytest.approx(sum(each) / len(each))
    assert task.count(batch) == len(each)


def test_answers(task: TextToTextTask) -> None:
    rows = task.text.items("kind: text").rows
    with torch.no_grad():
        assert task.answers(rows.batch(torch.tensor([0]))) == [{"text": greedy(task, "kind: text")}]
