"""What ranks find on their shares of a batch adds up to what one process finds on the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.attention import TransformerXLAttention
from blocks.head import ClassificationHead
from blocks.position import TransformerXL
from blocks.topology import Decoder, Encoder, EncoderDecoder
from experiments.data import LabelledText, ParallelText, Text
from experiments.data.loader import Share, rows_of
from experiments.optimizers import AdamW
from experiments.ranks import Ranks
from experiments.schedules import Constant
from experiments.tasks import CausalLM, Classification, Task, Translation

WORDS = ["in the beginning was the word", "a b c d e", "one", "and the light shines", "in the darkness", "x y", "z"]


def language(tmp_path: Path) -> Task:
    for name in ("train", "valid"):
        # in three lanes, two of which are a token longer
        (tmp_path / f"{name}.txt").write_bytes(bytes((i * i + i // 7) % 61 + 32 for i in range(141)))
    files = {name: str(tmp_path / f"{name}.txt") for name in ("train", "valid")}
    data = Text(0, **files, length=8, batch_size=3, order="contiguous")
    attention: Any = lambda dim, heads: TransformerXLAttention(dim, heads, memory=12)  # noqa: E731
    model = Decoder(dim=16, layers=2, heads=2, vocab=data.vocab, attention=attention, position=TransformerXL)
    return CausalLM(model, data, AdamW(), Constant())


def classes(tmp_path: Path) -> Task:
    rows = [f"{text}\t{i % 3}" for i, text in enumerate(WORDS)]
    for name in ("train", "valid"):
        (tmp_path / f"{name}.tsv").write_text("text\tlabel\n" + "\n".join(rows) + "\n")
    files = {name: str(tmp_path / f"{name}.tsv") for name in ("train", "valid")}
    data = LabelledText(0, **files, length=30, batch_size=3)
    head: Any = lambda dim: ClassificationHead(dim, classes=3)  # noqa: E731
    return Classification(Encoder(dim=16, layers=1, heads=2, vocab=data.vocab, head=head), data, AdamW(), Constant())


def translations(tmp_path: Path) -> Task:
    rows = [f"{text}\t{text[::-1]}" for text in WORDS]
    for name in ("train", "valid"):
        (tmp_path / f"{name}.tsv").write_text("en\tes\n" + "\n".join(rows) + "\n")
    files = {name: str(tmp_path / f"{name}.tsv") for name in ("train", "valid")}
    data = ParallelText(0, **files, length=30, batch_size=3)
    model = EncoderDecoder(dim=16, layers=1, heads=2, vocab=data.vocab)
    return Translation(model, data, AdamW(), Constant(), decode_batches=2)


TASKS: dict[str, Callable[[Path], Task]] = {"language": language, "classes": classes, "translations": translations}


class Recorded(Ranks):
    """Ranks that come one after the other: `gather` gives what has been put here."""

    def __init__(self, values: list[Any]) -> None:
        super().__init__()
        object.__setattr__(self, "values", values)

    def gather(self, value: Any) -> list[Any]:
        found: list[Any] = self.values.pop(0)  # type: ignore[attr-defined]
        return found


@pytest.fixture(params=TASKS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Task]:
    def build() -> Task:
        torch.manual_seed(1)
        return TASKS[request.param](tmp_path).eval()

    return build


@pytest.mark.parametrize("world", [2, 3])
def test_losses_and_gradients(world: int, make: Callable[[], Task]) -> None:
    def gradients(loss: Callable[[Task], Tensor], task: Task) -> tuple[float, list[Tensor]]:
        task.zero_grad()
        found = loss(task)
        found.backward()
        return float(found.detach()), [p.grad for p in task.model.parameters() if p.grad is not None]

    whole = next(iter(make().data.train_loader()))
    loss, expected = gradients(lambda task: task.loss(whole), make())
    total, summed = 0.0, [torch.zeros_like(gradient) for gradient in expected]
    for rank in range(world):
        task, share = make(), Share(rank, world).of(whole, 3)
        part = task.weight(share) / task.weight(whole)
        found, mine = gradients(lambda task, share=share, part=part: task.loss(share) * part, task)
        total += found
        summed = [a + b for a, b in zip(summed, mine, strict=True)]
    assert total == pytest.approx(loss)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(summed, expected, strict=True))


@pytest.mark.parametrize("world", [2, 3, 5])
def test_metrics(world: int, make: Callable[[], Task], monkeypatch: pytest.MonkeyPatch) -> None:
    """The last batch has one row, so some ranks see nothing of it; a memory belongs to the same rows all along."""
    monkeypatch.setattr(Task, "record", lambda *args: None)
    monkeypatch.setattr(Task, "global_step", 1)

    def evaluate(task: Task, share: Share) -> None:
        loader = task.data.eval_loader()
        loader.share = share
        task.on_validation_epoch_start()
        with torch.no_grad():
            for number, batch in enumerate(loader):
                task.validation_step(batch, number)

    alone = make()
    evaluate(alone, Share())
    alone.on_validation_epoch_end()
    tasks = [make() for _ in range(world)]
    for rank, task in enumerate(tasks):
        evaluate(task, Share(rank, world))
    sums = [{name: float(value) for name, value in task._sums.items()} for task in tasks]
    tasks[0].ranks = Recorded([sums, [getattr(task, "translations", []) for task in tasks]])
    tasks[0].on_validation_epoch_end()
    assert tasks[0].last_metrics == pytest.approx(alone.last_metrics, rel=1e-9)
    assert len(alone.last_metrics) >= 2


def test_shares_hold_every_row_once() -> None:
    rows = torch.arange(7)
    for world in range(1, 10):
        for size in (7, 3, 1):
            parts = [Share(rank, world).of({"rows": rows[:size]}, 7) for rank in range(world)]
            assert torch.cat([part["rows"] for part in parts]).tolist() == list(range(size))
            assert sum(map(rows_of, parts)) == size
