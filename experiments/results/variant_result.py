"""One variant of a sweep over its seeds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from experiments.results.plan import Variant
from experiments.results.statistics import Estimate
from experiments.results.trial import Summary, Trial
from experiments.results.verdict import Difference


@dataclass(frozen=True)
class VariantResult:
    """One variant over its seeds. `rank` and `estimate` are None until a trial of it has finished.

    trials: those that are compared; tries of tuning are not among them. difference: from the baseline.
    lost: trials that ended without a value, in words, such as `2 of 5 diverged`; the mean of the others is too good.
    """

    variant: Variant
    trials: tuple[Trial, ...]
    estimate: Estimate | None
    is_baseline: bool = False
    rank: int | None = None
    difference: Difference | None = None
    lost: str = ""

    @property
    def label(self) -> str:
        return self.variant.label

    @property
    def finished(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.finished)

    @property
    def troubles(self) -> tuple[Trial, ...]:
        """The trials that ended without a result."""
        return tuple(trial for trial in self.trials if trial.ended_without)

    @property
    def gap(self) -> float | None:
        """The mean difference to the baseline."""
        return self.difference.mean if self.difference else None

    def verdict(self, goal: str | None) -> str:
        """What may be said of it, in words: the verdict, `baseline` or `no result`, and what of it was lost."""
        if self.difference is not None:
            return self.difference.words(goal)
        alone = "no result" if self.estimate is None and self.lost else "baseline" if self.is_baseline else ""
        return f"{alone} ({self.lost})".strip() if self.lost else alone

    @property
    def parameters(self) -> float | None:
        return self._mean(lambda summary: summary.parameters)

    @property
    def tokens_per_second(self) -> float | None:
        return self._mean(lambda summary: summary.tokens_per_second)

    @property
    def train_seconds(self) -> float | None:
        return self._mean(lambda summary: summary.train_seconds)

    @property
    def peak_memory_mb(self) -> float | None:
        return self._mean(lambda summary: summary.peak_memory_mb)

    @property
    def flops_per_token(self) -> float | None:
        return self._mean(lambda summary: summary.flops_per_token)

    @property
    def training_flops(self) -> float | None:
        """FLOPs of the whole training."""
        return _mean(trial.training_flops for trial in self.finished)

    def _mean(self, pick: Callable[[Summary], float | None]) -> float | None:
        return _mean(pick(trial.summary) for trial in self.finished if trial.summary)


COSTS: dict[str, Callable[[VariantResult], float | None]] = {
    "parameters": lambda row: row.parameters,
    "training_flops": lambda row: row.training_flops,
    "train_seconds": lambda row: row.train_seconds,
    "tokens_per_second": lambda row: row.tokens_per_second,
    "peak_memory_mb": lambda row: row.peak_memory_mb,
}
"""What a variant takes, by name."""


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def lost(trials: Sequence[Trial], metric: str) -> str:
    """How many of these trials ended without a value of the metric, in words; "" for none."""
    ends = [trial.status for trial in trials if trial.ended_without]
    ends += ["without a finite value" for trial in trials if trial.finished and trial.value(metric) is None]
    counted = [f"{ends.count(end)} of {len(trials)} {end}" for end in dict.fromkeys(ends)]
    return ", ".join(counted)
