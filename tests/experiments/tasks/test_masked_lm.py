"""Masked language model: loss and metrics by hand, the interval by its formula, answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from blocks.embedding import TokenEmbedding
from blocks.head import MLMHead
from blocks.topology import Encoder
from experiments.data import MaskedText
from experiments.data.loader import Share
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import MaskedLM
from experiments.tasks.masked_lm import interval

TEXT = "\n\n".join("\n".join(f"sentence {i} of {d}." for i in range(6)) for d in "abc") + "\n"


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., MaskedLM]:
    def build(**options: Any) -> MaskedLM:
        for name in ("train", "valid"):
            (tmp_path / f"{name}.txt").write_text(TEXT)
        files = {name: str(tmp_path / f"{name}.txt") for name in ("train", "valid")}
        data = MaskedText(0, **files, **{"length": 40, "batch_size": 5, **options})
        data.prepare()
        torch.manual_seed(1)
        embedding: Any = lambda dim, vocab: TokenEmbedding(dim, vocab, types=2)  # noqa: E731
        head: Any = lambda dim, vocab: MLMHead(dim, vocab, nsp=data.pairs)  # noqa: E731
        model = Encoder(dim=16, layers=1, heads=2, vocab=data.vocab, embedding=embedding, head=head)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(3)
        return MaskedLM(model.eval(), data, AdamW(), Constant())

    return build


def by_hand(task: MaskedLM) -> dict[str, float]:
    """One row and one token at a time, without padding."""
    nats, right, told, pair_nats, pairs_right, pairs = 0.0, 0, 0, 0.0, 0, 0
    for batch in task.data.eval_loader():
        for row, there in enumerate(batch["valid"].sum(1).tolist()):
            types = {"types": batch["types"][row : row + 1, :there]} if "types" in batch else {}
            output = task.model.run(batch["tokens"][row : row + 1, :there], **types)  # type: ignore[operator]
            for place in range(there):
                if batch["scored"][row, place]:
                    answer = int(batch["targets"][row, place])
                    nats -= float(output.logits[0, place].log_softmax(-1)[answer])
                    right += int(output.logits[0, place].argmax()) == answer
                    told += 1
            if "follows" in batch:
                answer = 0 if batch["follows"][row] else 1
                pair_nats -= float(output.beside["nsp"][0].log_softmax(-1)[answer])
                pairs_right += int(output.beside["nsp"][0].argmax()) == answer
                pairs += 1
    metrics = {"masked_accuracy": right / told, "masked_perplexity": math.exp(nats / told), "loss": nats / told}
    if pairs:
        metrics |= {"loss": nats / told + pair_nats / pairs, "nsp_accuracy": pairs_right / pairs, "nsp_pairs": pairs}
    return metrics


def evaluated(task: MaskedLM) -> dict[str, float]:
    sums: dict[str, float] = {}
    for batch in task.data.eval_loader():
        for name, value in task.measure(batch).items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
    return task.summarise(sums)


@pytest.mark.parametrize("pairs", ["next_sentence", "none"])
def test_metrics(pairs: str, make: Callable[..., MaskedLM]) -> None:
    task = make(pairs=pairs)
    with torch.no_grad():
        found, expected = evaluated(task), by_hand(task)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert ("nsp_low" in found) == (pairs == "next_sentence")
    if pairs == "next_sentence":
        assert found["nsp_low"] < found["nsp_accuracy"] < found["nsp_high"]


def test_loss_is_the_sum_of_two_means(make: Callable[..., MaskedLM]) -> None:
    task = make(batch_size=100)
    [batch] = task.data.eval_loader()
    with torch.no_grad():
        assert float(task.loss(batch)) == pytest.approx(evaluated(task)["loss"], rel=1e-9)


@pytest.mark.parametrize("world", [2, 3])
def test_shares_of_a_batch(world: int, make: Callable[..., MaskedLM]) -> None:
    """Weighted as in training, what ranks find adds up to the loss of the whole, gradients included."""
    task = make(short=0.9)
    whole = next(iter(task.data.train_loader()))
    assert len(set(whole["scored"].sum(1).tolist())) > 1, "rows that weigh alike would show nothing"
    total = task.loss(whole)
    total.backward()
    expected = [p.grad.clone() for p in task.model.parameters() if p.grad is not None]
    task.zero_grad()
    loss = 0.0
    task._whole = lambda batch: whole  # type: ignore[method-assign]
    for rank in range(world):
        share = Share(rank, world).of(whole, len(whole["tokens"]))
        part = task.loss(share) * task.weight(share) / task.weight(whole)
        part.backward()
        loss += float(part.detach())
    assert loss == pytest.approx(float(total.detach()), rel=1e-9)
    found = [p.grad for p in task.model.parameters() if p.grad is not None]
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(found, expected, strict=True))


def test_interval_is_wilson_s() -> None:
    k, n, z = 420, 700, 1.959963984540054
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert interval(k, n) == pytest.approx((middle - half, middle + half))
    assert interval(5, 5)[1] == 1.0


@torch.no_grad()
def test_answers(make: Callable[..., MaskedLM]) -> None:
    task = make()
    # what is no text must not be named, however likely
    task.model.head.bias[256:] += 100  # type: ignore[union-attr, index, operator]
    rows = task.text.items("a<mask>c\tde").rows
    [answer] = task.answers(rows.batch(rows.keys(None)))
    [fillers] = answer["masks"]
    output = task.model.run(
        **{"tokens": torch.tensor([[257, 97, 259, 99, 258, 100, 101, 258]])}, types=torch.tensor([[0] * 5 + [1] * 3])
    )  # type: ignore[operator]
    chances = output.logits[0, 2].softmax(-1)[:256]
    assert fillers[0]["probability"] == pytest.approx(float(chances.max()))
    assert [f["probability"] for f in fillers] == sorted((f["probability"] for f in fillers), reverse=True)
    assert len(fillers) == 5
    assert answer["text"] == "a" + task.text.tokenizer.decode([int(chances.argmax())]) + "cde"
    assert answer["follows"] == pytest.approx(float(output.beside["nsp"][0].softmax(-1)[0]))
    rows = task.text.items("abc").rows
    assert task.answers(rows.batch(rows.keys(None))) == [{"text": "abc", "masks": []}]


def test_counts(make: Callable[..., MaskedLM]) -> None:
    task = make()
    batch = next(iter(task.data.train_loader()))
    assert task.count(batch) == int(batch["valid"].sum())
    assert task.weight(batch) == int(batch["scored"].sum())
