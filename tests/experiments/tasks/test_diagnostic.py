"""Loss and metrics of the diagnostic tasks, written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from blocks.head import ReconstructionHead
from blocks.topology import Decoder
from experiments.data.generated import Addition, Compression, Recall
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import Diagnostic, Reconstruction


class Table(nn.Module):
    """Logits that depend on the token alone."""

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocab, vocab)

    def forward(self, tokens: Tensor, valid: Tensor | None = None) -> Tensor:
        return self.table(tokens)


@pytest.fixture
def task() -> Diagnostic:
    torch.manual_seed(0)
    data = Recall(0, pairs=3, length=14, vocab_size=12, batch_size=5, held_out=12)
    return Diagnostic(Table(12), data, AdamW(), Constant())


def by_hand(logits: Tensor, targets: list[int], scored: list[bool]) -> tuple[list[float], list[bool]]:
    """Nats of each scored target of a row, and whether it is the likeliest."""
    asked = [i for i, there in enumerate(scored) if there]
    nats = [float(logits[i].exp().sum().log() - logits[i, targets[i]]) for i in asked]
    return nats, [int(logits[i].argmax()) == targets[i] for i in asked]


def test_against_hand(task: Diagnostic) -> None:
    sums: dict[str, float] = {}
    nats: list[float] = []
    right: list[list[bool]] = []
    for batch in task.data.eval_loader():
        of_batch: list[float] = []
        for row in range(len(batch["tokens"])):
            logits = task.model(batch["tokens"][row]).detach()
            found, hits = by_hand(logits, batch["targets"][row].tolist(), batch["scored"][row].tolist())
            of_batch += found
            right.append(hits)
        assert float(task.loss(batch).detach()) == pytest.approx(sum(of_batch) / len(of_batch))
        assert task.weight(batch) == len(of_batch)
        nats += of_batch
        for name, value in task.measure(batch).items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
    assert len(nats) == 36
    accuracy = sum(map(sum, right)) / 36
    exact = sum(map(all, right)) / 12
    assert task.summarise(sums) == pytest.approx({"loss": sum(nats) / 36, "accuracy": accuracy, "exact": exact})


def test_exact_is_of_whole_rows_and_of_rows_that_are_asked() -> None:
    data = Addition(0)
    task = Diagnostic(Table(13), data, AdamW(), Constant())
    with torch.no_grad():
        task.model.table.weight.copy_(torch.eye(13))  # type: ignore[union-attr, operator]
    tokens = torch.tensor([[1, 2, 3], [1, 2, 3], [1, 2, 3]])
    targets = torch.tensor([[1, 2, 0], [1, 0, 3], [0, 0, 0]])
    scored = torch.tensor([[True, True, False], [True, True, False], [False, False, False]])
    sums = task.measure({"tokens": tokens, "targets": targets, "scored": scored})
    found = task.summarise({name: float(value.detach()) for name, value in sums.items()})
    assert found["accuracy"] == 3 / 4
    assert found["exact"] == 1 / 2


def test_what_is_not_asked_has_no_gradient(task: Diagnostic) -> None:
    batch = next(iter(task.data.train_loader()))
    inputs: Tensor = task.model.table(batch["tokens"]).detach().requires_grad_()  # type: ignore[union-attr, operator]
    task.model.forward = lambda tokens: inputs  # type: ignore[method-assign]
    task.loss(batch).backward()
    assert inputs.grad is not None
    assert bool((inputs.grad.abs().sum(-1) > 0).eq(batch["scored"]).all())


def test_a_batch_without_a_question_is_no_error(task: Diagnostic) -> None:
    batch = next(iter(task.data.train_loader()))
    batch["scored"] = torch.zeros_like(batch["scored"])
    assert float(task.loss(batch).detach()) == 0.0


def test_answers() -> None:
    data = Addition(0)
    task = Diagnostic(Table(13), data, AdamW(), Constant())
    with torch.no_grad():
        task.model.table.weight.copy_(torch.eye(13).roll(1, 1))  # type: ignore[union-attr, operator]
    items = data.items("1 2 + 3 4 =")
    assert task.answers(items.rows.batch(torch.arange(1))) == [{"next": "2 3 = 4 5 <pad>", "last": "<pad>"}]


def test_rebuilt_rows() -> None:
    torch.manual_seed(0)
    data = Compression(0, length=6, alphabet=4, batch_size=3, held_out=5)

    def head(dim: int, vocab: int | None) -> ReconstructionHead:
        return ReconstructionHead(dim, vocab, length=6)

    model = Decoder(dim=8, layers=1, heads=2, vocab=5, head=head)
    task = Reconstruction(model, data, AdamW(), Constant())
    batch = next(iter(data.eval_loader()))
    logits = model(batch["tokens"]).detach()
    nats, hits = [], []
    for row in range(3):
        found, right = by_hand(logits[row], batch["tokens"][row].tolist(), [True] * 5 + [False])
        nats += found
        hits += right
    assert float(task.loss(batch).detach()) == pytest.approx(sum(nats) / 15)
    assert task.weight(batch) == 15
    sums = {name: float(value.detach()) for name, value in task.measure(batch).items()}
    assert task.summarise(sums)["accuracy"] == pytest.approx(sum(hits) / 15)
    items = data.items("a b c d a <end>")
    [answer] = task.answers(items.rows.batch(torch.arange(1)))
    assert len(str(answer["rebuilt"]).split()) == 6


def test_chance_is_the_logarithm_of_the_alphabet() -> None:
    task = Diagnostic(Table(13), Addition(0), AdamW(), Constant())
    with torch.no_grad():
        task.model.table.weight.zero_()  # type: ignore[union-attr, operator]
    batch = next(iter(task.data.train_loader()))
    assert float(task.loss(batch).detach()) == pytest.approx(math.log(13))
