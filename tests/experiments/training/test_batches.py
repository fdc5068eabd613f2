"""What was trained on has a digest: the same for variants of any size, another for another seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from toy import toy_parts

from experiments.data import Text
from experiments.data.digest import chained
from experiments.training.interrupts import Interrupts
from experiments.training.trial import run_trial


def test_variants_of_a_seed_see_the_same(tmp_path: Path, toy_spec: Any) -> None:
    spec = toy_spec()
    variants = [{"width": 8}, {"width": 16, "dropout": 0.0}]
    found = [
        run_trial({**spec, "model": model, "seed": seed}, tmp_path / f"{i}-{seed}", build_parts=toy_parts)["batches"]
        for seed in (0, 1)
        for i, model in enumerate(variants)
    ]
    assert len(found[0]) == 16
    assert found[0] == found[1] != found[2] == found[3]


def test_kept_through_resumption(tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = toy_spec()
    whole = run_trial(spec, tmp_path / "whole", build_parts=toy_parts)["batches"]
    stops = {3, 6, 9}

    def ask(self: Interrupts, trainer: Any, *args: Any) -> None:
        self.asked = 2 if trainer.global_step in stops else None
        stops.discard(trainer.global_step)

    monkeypatch.setattr(Interrupts, "on_train_batch_start", ask)
    for _ in range(4):
        summary = run_trial(spec, tmp_path / "stopped", build_parts=toy_parts)
    assert (summary["status"], summary["batches"]) == ("finished", whole)
    (tmp_path / "stopped/summary.json").unlink()
    assert run_trial(spec, tmp_path / "stopped", build_parts=toy_parts)["batches"] == whole


def test_evaluation_batches_are_the_same_by_construction(toy_spec: Any) -> None:
    """Whatever the seed, and however much was trained in between."""
    options = {k: v for k, v in toy_spec()["data"].items() if k != "kind"}
    digests = []
    for seed in (0, 5):
        data, digest = Text(seed, **options), ""
        next(iter(data.train_loader()))
        torch.rand(seed + 1)
        for batch in data.eval_loader():
            digest = chained(digest, batch)
        digests.append(digest)
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    "other",
    [
        {"a": torch.tensor([[1, 2]]), "b": torch.tensor([True])},
        {"a": torch.tensor([1, 3]), "b": torch.tensor([True])},
        {"a": torch.tensor([1, 2], dtype=torch.int32), "b": torch.tensor([True])},
        {"a": torch.tensor([1, 2]), "c": torch.tensor([True])},
        {"a": torch.tensor([1, 2])},
    ],
)
def test_everything_counts(other: dict[str, Any]) -> None:
    batch = {"a": torch.tensor([1, 2]), "b": torch.tensor([True])}
    assert chained("", batch) == chained("", {"b": batch["b"], "a": torch.tensor([1, 9, 2])[::2]})
    assert chained("", batch) != chained("", other)
    assert chained("x", batch) != chained("", batch)
