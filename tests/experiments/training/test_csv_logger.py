"""The metrics file only grows, and is cut back exactly where a run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.training.csv_logger import CsvLogger, read_rows


@pytest.fixture
def logger(tmp_path: Path) -> CsvLogger:
    return CsvLogger(tmp_path / "metrics.csv", lambda: 1.25)


def test_rows(logger: CsvLogger, tmp_path: Path) -> None:
    logger.log_metrics({"train/loss": 0.1 + 0.2, "lr": 1e-05, "epoch": 2}, 3)
    logger.save()
    logger.log_metrics({"train/loss": float("nan")}, 4)
    text = "step,epoch,seconds,name,value\n3,2,1.250,train/loss,0.30000000000000004\n3,2,1.250,lr,1e-05\n"
    assert (tmp_path / "metrics.csv").read_text() == text + "4,0,1.250,train/loss,nan\n"
    assert float(read_rows(tmp_path / "metrics.csv")[0][4]) == 0.1 + 0.2


def test_resume(logger: CsvLogger, tmp_path: Path) -> None:
    for step in (1, 2, 3):
        logger.log_metrics({"train/loss": step}, step)
        logger.log_metrics({"valid/loss": step}, step)
    with open(tmp_path / "metrics.csv", "a") as file:
        file.write("2,0,1.0,train/lo")
    logger.resume(2, validated=1)
    rows = [(row[0], row[3]) for row in read_rows(tmp_path / "metrics.csv")]
    assert rows == [("1", "train/loss"), ("1", "valid/loss"), ("2", "train/loss")]
    logger.log_metrics({"train/loss": 3}, 3)
    assert (tmp_path / "metrics.csv").read_text().splitlines()[-1] == "3,0,1.250,train/loss,3"


def test_resume_from_nothing(logger: CsvLogger, tmp_path: Path) -> None:
    logger.resume(5, 5)
    logger.log_metrics({"a": 1.0}, 1)
    logger.resume(-1, -1)
    assert not (tmp_path / "metrics.csv").exists()


@pytest.mark.parametrize("tail", ["", "1", "1,0,0.5,a", "1,0,0.5,a,0.25"])
def test_torn_last_line(tail: str, logger: CsvLogger, tmp_path: Path) -> None:
    logger.log_metrics({"a": 1.0}, 1)
    with open(tmp_path / "metrics.csv", "a") as file:
        file.write(tail)
    assert read_rows(tmp_path / "metrics.csv") == [["1", "0", "1.250", "a", "1.0"]]
