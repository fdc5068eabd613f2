"""The specs that ship learn: shortened, they beat what needs no learning."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments.cli.main import cli

BIGRAM_BITS_PER_BYTE = 3.3725
"""Of the shipped speeches; the plan of the demo computes it anew."""
MAJORITY_ACCURACY = 0.25


def train(spec: str, home: Path, *changes: str) -> dict[str, float]:
    """The last validation metrics of a shortened run."""
    folder = home / "runs"
    result = CliRunner().invoke(cli, ["run", spec, *changes, "--out", str(folder)])
    assert result.exit_code == 0, result.output
    (run,) = folder.iterdir()
    with open(run / "metrics.csv", encoding="utf-8", newline="") as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["full", "{kind: longformer, window: 32}", "linear", "performer"])
def test_language_models_pass_the_bigram_model(attention: str, tmp_path: Path) -> None:
    found = train("demo", tmp_path, f"model.attention={attention}", "trainer.max_steps=350")
    assert found["valid/bits_per_byte"] < BIGRAM_BITS_PER_BYTE - 0.2


@pytest.mark.slow
def test_layers_that_differ_and_byte_pairs_learn(tmp_path: Path) -> None:
    found = train("hybrid", tmp_path, "trainer.max_steps=120", "model.dim=64", "trainer.val_check_interval=60")
    assert found["valid/bits_per_byte"] < BIGRAM_BITS_PER_BYTE


@pytest.mark.slow
def test_classification_passes_the_majority(tmp_path: Path) -> None:
    found = train("classify", tmp_path, "trainer.max_steps=200")
    assert found["valid/accuracy"] > MAJORITY_ACCURACY + 0.2


@pytest.mark.slow
def test_translation_learns(tmp_path: Path) -> None:
    changes = ["trainer.max_steps=150", "trainer.val_check_interval=75", "schedule.warmup=75", "task.decode_batches=1"]
    found = train("translate", tmp_path, *changes)
    # the logarithm of the vocabulary is 6.9
    assert found["valid/loss"] < 5.5
