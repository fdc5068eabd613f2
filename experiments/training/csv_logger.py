"""Metrics as rows of one append-only file."""

from __future__ import annotations

import csv
import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from experiments.atomic import write_text
from experiments.crash import crash_point

HEADER = ["step", "epoch", "seconds", "name", "value"]


class CsvLogger(Logger):
    """Appends `step,epoch,seconds,name,value` rows; `seconds` is the time spent training so far, over all attempts.

    The file only grows, so a kill can tear no more than its last line, which `resume` drops.
    """

    def __init__(self, path: Path, seconds: Callable[[], float]) -> None:
        super().__init__()
        self._path = path
        self._seconds = seconds

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        epoch = int(metrics.get("epoch", 0))
        seconds = f"{self._seconds():.3f}"
        lines = [f"{step},{epoch},{seconds},{name},{value!r}\n" for name, value in metrics.items() if name != "epoch"]
        if not self._path.exists():
            lines.insert(0, ",".join(HEADER) + "\n")
        text = "".join(lines)
        crash_point("metrics.before_write")
        with open(self._path, "a", encoding="utf-8", newline="\n") as file:
            file.write(text[: len(text) // 2])
            file.flush()
            crash_point("metrics.half_written")
            file.write(text[len(text) // 2 :])
        crash_point("metrics.after_write")

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the resolved spec is in the run folder."""

    def save(self) -> None:
        """Make what was written durable."""
        if self._path.exists():
            with open(self._path, "rb+") as file:
                os.fsync(file.fileno())

    def resume(self, step: int, validated: int) -> None:
        """Drop what was written after `step`, validation after `validated`, and a torn last line.

        What comes of the test split is dropped too: it is evaluated at the very end, so it is done again.
        """
        until = {"valid": validated, "test": -1}
        kept = [row for row in read_rows(self._path) if int(row[0]) <= until.get(row[3].split("/")[0], step)]
        if kept:
            write_text(self._path, "".join(",".join(row) + "\n" for row in [HEADER, *kept]))
        else:
            self._path.unlink(missing_ok=True)


def read_rows(path: Path) -> list[list[str]]:
    """The complete rows of a metrics file, as text, without the header; [] if there is no file."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    # what comes after the last line end was torn
    complete = text[: text.rfind("\n") + 1]
    rows = list(csv.reader(complete.splitlines()))
    return [row for row in rows if len(row) == len(HEADER) and row[0].isdigit()]
