"""A trained model on a split, through the same code as at the end of its training."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning import Trainer

from experiments.data.errors import BadData
from experiments.data.loader import rows_of
from experiments.tasks.base import Answer
from experiments.trained import Trained
from experiments.training.options import trainer_arguments
from experiments.training.quiet import log_file

Split = Literal["valid", "test"]
TRAINING_ONLY = ("max_steps", "max_epochs", "min_steps", "max_time", "val_check_interval", "check_val_every_n_epoch")


def demand_split(trained: Trained, split: Split) -> None:
    """Read the data. Raises BadData for those without this split, and where there is nothing in it."""
    trained.data.prepare()
    if split not in trained.data.splits():
        there = ", ".join(trained.data.splits())
        raise BadData(str(trained.folder), f"its data have no {split} split, only {there}; give data.{split} a file")


def evaluate(trained: Trained, split: Split) -> dict[str, float]:
    """The metrics of a split, "test/..." or "valid/...": those that the training reports for these weights.

    One process does it, with the precision and the limits of the spec's `trainer:` block; a limit of 0 is none. Where
    several trained together, sums that were added up in another order may differ in their last bits.

    Raises BadData as `demand_split` does.
    """
    demand_split(trained, split)
    task = trained.task
    with tempfile.TemporaryDirectory() as folder, log_file(Path(folder) / "log.txt"):
        trainer = Trainer(
            **_arguments(trained.spec["trainer"]),
            logger=False,
            default_root_dir=folder,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        loader = trained.data.eval_loader(split)
        if split == "test":
            trainer.test(task, loader, verbose=False)
            return dict(task.test_metrics)
        trainer.validate(task, loader, verbose=False)
        return dict(task.last_metrics)


def answers_on(trained: Trained, split: Split) -> Iterator[Answer]:
    """What the model says to every row of a split, in its order. Raises BadData as `demand_split` does."""
    demand_split(trained, split)
    loader = trained.data.eval_loader(split)
    row = 0
    for batch in loader:
        with torch.inference_mode():
            found = trained.task.answers(batch)
        for answer in found:
            yield {"row": row, **answer}
            row += 1
        assert len(found) == rows_of(batch)


def limits(options: Mapping[str, Any], split: Split) -> Any:
    """How many batches of a split the spec has evaluated: a number or a share; None for all."""
    limit = options.get("limit_test_batches" if split == "test" else "limit_val_batches")
    return limit or None


def _arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    # nothing is trained, but without an end the arguments would be refused
    given = trainer_arguments({**options, "max_steps": 1, "max_epochs": None}, 1)
    kept = {name: value for name, value in given.items() if name not in TRAINING_ONLY}
    for name in ("limit_val_batches", "limit_test_batches"):
        if not kept.get(name, 1):
            del kept[name]
    return {**kept, "devices": 1, "num_nodes": 1, "strategy": "auto"}
