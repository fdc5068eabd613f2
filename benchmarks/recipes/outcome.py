"""What came out of a recipe, as docs/recipes/results.json keeps it: one entry a row, so that one can be made anew."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.atomic import write_text
from experiments.results.plan import Reference


@dataclass(frozen=True)
class Trained:
    """One variant. values: metric -> seed -> value on the test split. lost: trials without a value, in words.

    seconds: of a run's training, on average, as all that it took.
    """

    label: str
    values: Mapping[str, Mapping[str, float]]
    parameters: float | None
    seconds: float | None
    tokens_per_second: float | None = None
    peak_memory_mb: float | None = None
    lost: str = ""

    def of(self, metric: str) -> dict[int, float]:
        """By seed."""
        return {int(seed): value for seed, value in self.values.get(metric, {}).items()}


@dataclass(frozen=True)
class Outcome:
    """A recipe with all its seeds. made: with which commit and versions, on what, and when.

    length: the longest row of the data, in positions of the model.
    """

    spec: str
    data: str
    length: int | None
    variants: tuple[Trained, ...]
    references: tuple[Reference, ...]
    made: Mapping[str, str] = field(default_factory=dict)

    def variant(self, label: str | None) -> Trained | None:
        """The one with this label; the only one where none is named."""
        if label is None:
            return self.variants[0] if len(self.variants) == 1 else None
        return next((found for found in self.variants if found.label == label), None)


def read_outcomes(path: Path) -> dict[str, Outcome]:
    """By the name of the spec; none where there is no such file."""
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return {name: _outcome(entry) for name, entry in found.items()}


def write_outcomes(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Sorted, so that one row changes one place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = {name: dataclasses.asdict(outcomes[name]) for name in sorted(outcomes)}
    write_text(path, json.dumps(entries, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def _outcome(entry: Mapping[str, Any]) -> Outcome:
    variants = tuple(Trained(**found) for found in entry["variants"])
    references = tuple(Reference(**found) for found in entry["references"])
    return Outcome(entry["spec"], entry["data"], entry["length"], variants, references, entry["made"])
