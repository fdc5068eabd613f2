"""Two towers: losses by hand, ranks against sorting, thresholds against trying all, and ranks that train together."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from blocks.head import MatchingHead, VectorHead
from blocks.topology import Encoder
from experiments.data import Passages
from experiments.data.loader import Share
from experiments.optimizers import AdamW
from experiments.ranks import Ranks
from experiments.schedules import Constant
from experiments.tasks import Retrieval
from experiments.tasks import retrieval as module
from experiments.tasks.ranking import best_threshold, ranking


def task_of(folder: Path, objective: Any = "contrastive", **options: Any) -> Retrieval:
    text = "a\tb\n" + "".join(f"{chr(97 + i) * 3} {i}\t{i} {chr(110 + i)}\n" for i in range(7))
    for name in ("train", "valid", "test"):
        (folder / f"{name}.tsv").write_text(text)
    files = {name: str(folder / f"{name}.tsv") for name in ("train", "valid", "test")}
    wrong = "near" if objective == "matching" else None
    data = Passages(0, **files, **{"length": 8, "batch_size": 3, "wrong": wrong, **options})
    data.prepare()
    torch.manual_seed(0)
    head = VectorHead if objective == "contrastive" else partial(MatchingHead, hidden=8)
    model = Encoder(dim=16, layers=1, heads=2, vocab=data.vocab, head=head).eval()
    return Retrieval(model, data, AdamW(), Constant(), objective=objective)


def vectors(task: Retrieval, ids: list[list[int]]) -> Tensor:
    return torch.cat([task.model(torch.tensor([row])) for row in ids])


def test_contrastive_loss_by_hand(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    batch = next(iter(task.data.train_loader()))
    rows = task.passages.rows("train")
    a, b = (vectors(task, [side[i] for i in batch["rows"].tolist()]) for side in (rows.first, rows.second))
    s = (a @ b.T / 0.07).detach().double()
    each = [-float(s[i, i] * 2 - s[i].exp().sum().log() - s[:, i].exp().sum().log()) / 2 for i in range(3)]
    assert float(task.loss(batch).detach()) == pytest.approx(sum(each) / 3, rel=1e-5)
    assert task.count(batch) == int(batch["valid"].sum() + batch["partner_valid"].sum())


def test_matching_loss_by_hand(tmp_path: Path) -> None:
    task = task_of(tmp_path, "matching")
    batch = next(iter(task.data.train_loader()))
    with torch.no_grad():
        a, b, c = (task.vectors(batch, side) for side in ("tokens", "partner", "wrong"))
        right, wrong = task.head.compare(a, b).sigmoid(), task.head.compare(a, c).sigmoid()
        expected = -float(right.log().mean() + (1 - wrong).log().mean()) / 2
        assert float(task.loss(batch)) == pytest.approx(expected, rel=1e-5)


def evaluated(task: Retrieval, split: str) -> dict[str, float]:
    task.begin(split)
    with torch.no_grad():
        for number, batch in enumerate(task.data.eval_loader(split)):
            task.add(batch, number)
    return task.summarise({name: float(value) for name, value in task._sums.items()})


def test_metrics_over_the_whole_split(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    metrics, rows = evaluated(task, "valid"), task.passages.rows("valid")
    with torch.no_grad():
        a, b = vectors(task, rows.first), vectors(task, rows.second)
        groups = [(a[i : i + 3], b[i : i + 3]) for i in (0, 3, 6)]
        loss = sum(float(module.contrast(task.head, *group)) * len(group[0]) for group in groups) / 7
    order = (a @ b.T).argsort(1, descending=True)
    ranks = [order[i].tolist().index(i) + 1 for i in range(7)]
    assert metrics["mrr"] == pytest.approx(sum(1 / rank for rank in ranks) / 7)
    assert metrics["recall_at_1"] == pytest.approx(ranks.count(1) / 7)
    assert metrics["recall_at_10"] == 1
    assert metrics["loss"] == pytest.approx(loss, rel=1e-5)
    scores = [float(a[i] @ b[j]) for i, j, _ in task.passages.pairs("valid").tolist()]
    same = task.passages.pairs("valid")[:, 2].tolist()
    best = max(sum((s > t) == bool(y) for s, y in zip(scores, same, strict=True)) for t in [-2.0, *scores])
    assert metrics["pair_accuracy"] == pytest.approx(best / 14)
    # the test split is the same here, and so is the threshold, which is found on the validation split
    assert evaluated(task, "test") == pytest.approx(metrics)


@pytest.mark.parametrize("objective", ["contrastive", "matching"])
@pytest.mark.parametrize("rows", [3, 1])
def test_an_evaluation_of_the_first_rows_judges_pairs_among_them(tmp_path: Path, objective: str, rows: int) -> None:
    task = task_of(tmp_path, objective, batch_size=rows)
    task.begin("valid")
    with torch.no_grad():
        task.add(next(iter(task.data.eval_loader("valid"))), 0)
    metrics = task.summarise({"rows": float(rows)})
    pairs = [pair for pair in task.passages.pairs("valid").tolist() if max(pair[:2]) < rows]
    assert 0 < len(pairs) < len(task.passages.pairs("valid"))
    assert round(metrics["pair_accuracy"] * len(pairs), 5).is_integer()
    task.passages._pairs["valid"] = torch.tensor([[5, 6, 0]])
    assert torch.equal(task._pairs("valid", 2), torch.tensor([[0, 0, 1], [1, 1, 1]]))


def test_metrics_of_matching(tmp_path: Path) -> None:
    task = task_of(tmp_path, "matching")
    metrics, rows = evaluated(task, "valid"), task.passages.rows("valid")
    with torch.no_grad():
        a, b = vectors(task, rows.first), vectors(task, rows.second)
        first, second, same = task.passages.pairs("valid").unbind(1)
        logits = task.head.compare(a[first], b[second])
    loss = functional.binary_cross_entropy_with_logits(logits, same.float())
    right = ((logits > 0) == (same == 1)).double().mean()
    assert metrics == pytest.approx({"loss": float(loss), "pair_accuracy": float(right)}, rel=1e-5)


def test_equal_scores_earn_nothing() -> None:
    assert ranking(torch.zeros(20, 20)) == {"recall_at_1": 0, "recall_at_10": 0, "mrr": 1 / 20}
    assert ranking(torch.eye(20)) == {"recall_at_1": 1, "recall_at_10": 1, "mrr": 1}


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_is_the_best_of_all(seed: int) -> None:
    dice = torch.Generator().manual_seed(seed)
    scores = (torch.rand(30, generator=dice) * 10).round() / 10
    same = torch.randint(2, (30,), generator=dice)

    def right(threshold: float) -> int:
        return int(((scores.double() > threshold) == (same == 1)).sum())

    found = right(best_threshold(scores, same))
    assert found == max(right(float(t) + step) for t in scores.double() for step in (-0.05, 0.05))


def test_matching_needs_wrong_texts(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"objective: matching needs texts that do not belong together: set data.wrong"
    ):
        task_of(tmp_path, "matching", wrong=None)


@pytest.mark.parametrize("objective", ["contrastive", "matching"])
def test_answers(objective: str, tmp_path: Path) -> None:
    task = task_of(tmp_path, objective)
    with torch.no_grad():
        for given, name in (("ab", "vector"), ("ab\ncd", "similarity" if objective == "contrastive" else "same")):
            items = task.passages.items(given)
            [answer] = task.answers(items.rows.batch(items.rows.keys(None)))
            assert list(answer) == [name]


class Two(Ranks):
    """One of two ranks, whose partner's number of rows is known."""

    def __init__(self, rank: int, counts: list[int]) -> None:
        super().__init__(rank, 2)
        object.__setattr__(self, "counts", counts)

    def gather(self, value: Any) -> list[Any]:
        found: list[Any] = self.counts  # type: ignore[attr-defined]
        return found


def test_two_ranks_find_the_loss_and_the_gradients_of_the_whole_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its own rows, one and two of them, and the vectors of the other."""
    from torch.distributed.nn import functional as across

    task = task_of(tmp_path)
    batch = next(iter(task.data.train_loader()))
    whole = task.loss(batch)
    wanted = torch.autograd.grad(whole, task.model.parameters())
    shares = [Share(rank, 2).of(batch, 3) for rank in (0, 1)]
    counts = [len(share["tokens"]) for share in shares]
    assert counts == [1, 2]
    padded = {
        side: [functional.pad(task.vectors(share, side), (0, 0, 0, 2 - len(share["tokens"]))) for share in shares]
        for side in ("tokens", "partner")
    }
    total = torch.zeros(())
    for rank, share in enumerate(shares):
        task.ranks = Two(rank, counts)
        waiting = [padded["tokens"], padded["partner"]]
        monkeypatch.setattr(across, "all_gather", lambda mine, waiting=waiting: waiting.pop(0))
        total = total + task.loss(share) * task.weight(share) / task.weight(batch)
    assert float(total.detach()) == pytest.approx(float(whole.detach()), rel=1e-5)
    for found, right in zip(torch.autograd.grad(total, task.model.parameters()), wanted, strict=True):
        torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-6)
