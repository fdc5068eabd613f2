"""A sweep's results: trials joined with the plan, averaged over seeds, ranked."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from experiments.results.plan import Plan, Reference, Variant
from experiments.results.statistics import Difference, Estimate, estimate, holm, paired_difference
from experiments.results.trial import Summary, Trial


@dataclass(frozen=True)
class VariantResult:
    """One variant over its seeds. `rank` and `estimate` are None until a trial of it has finished."""

    variant: Variant
    trials: tuple[Trial, ...]
    estimate: Estimate | None
    is_baseline: bool = False
    rank: int | None = None
    difference: Difference | None = None

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

    def _mean(self, pick: Callable[[Summary], float | None]) -> float | None:
        picked = [pick(trial.summary) for trial in self.finished if trial.summary]
        known = [value for value in picked if value is not None]
        return statistics.fmean(known) if known else None


@dataclass(frozen=True)
class SweepResults:
    """All that a sweep folder holds. `problems` lists files that could not be read, in words."""

    folder: Path
    plan: Plan
    trials: tuple[Trial, ...]
    problems: tuple[str, ...] = ()

    @cached_property
    def ranking(self) -> tuple[VariantResult, ...]:
        """Every variant: ranked ones first, best first, then those without a result in the order of the plan."""
        results = [self._result(variant) for variant in self.plan.variants]
        metric = self.plan.metric
        ranked = sorted(
            (result for result in results if result.estimate is not None),
            key=lambda result: metric.order(result.estimate.mean) if result.estimate else 0.0,
        )
        rest = [result for result in results if result.estimate is None]
        return (*self._compared([replace(row, rank=place) for place, row in enumerate(ranked, start=1)]), *rest)

    @property
    def ranked(self) -> tuple[VariantResult, ...]:
        return tuple(result for result in self.ranking if result.rank is not None)

    @property
    def baseline(self) -> VariantResult | None:
        return next((result for result in self.ranking if result.is_baseline), None)

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references that can be placed in the ranking."""
        return tuple(ref for ref in self.plan.references if ref.metric == self.plan.metric.name)

    @cached_property
    def rows(self) -> tuple[VariantResult | Reference, ...]:
        """The ranking with the references in their places: what every table shows."""
        order = self.plan.metric.order
        placed: list[tuple[float, VariantResult | Reference]] = [
            (order(result.estimate.mean), result) for result in self.ranked if result.estimate is not None
        ]
        placed += [(order(reference.value), reference) for reference in self.references]
        placed.sort(key=lambda pair: pair[0])
        return (*(row for _, row in placed), *(result for result in self.ranking if result.rank is None))

    @property
    def best_trial(self) -> Trial | None:
        """The finished trial with the best metric."""
        name, order = self.plan.metric.name, self.plan.metric.order
        scored = [(order(value), trial) for trial in self.trials if (value := trial.value(name)) is not None]
        return min(scored, key=lambda pair: pair[0])[1] if scored else None

    @property
    def failures(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.ended_without)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials have each status; statuses that do not occur are left out."""
        found = [trial.status for trial in self.trials]
        return {status: found.count(status) for status in dict.fromkeys(found)}

    def _result(self, variant: Variant) -> VariantResult:
        trials = tuple(trial for trial in self.trials if trial.variant == variant.label)
        values = [value for trial in trials if (value := trial.value(self.plan.metric.name)) is not None]
        return VariantResult(variant, trials, estimate(values), self.plan.is_baseline(variant))

    def _compared(self, ranked: list[VariantResult]) -> tuple[VariantResult, ...]:
        """Each ranked variant with its difference to the baseline, p values Holm-adjusted over all of them."""
        baseline = next((result for result in ranked if result.is_baseline), None)
        if baseline is None:
            return tuple(ranked)
        differences = {
            result.label: difference
            for result in ranked
            if not result.is_baseline
            and (difference := paired_difference(self._by_seed(result), self._by_seed(baseline))) is not None
        }
        tested = {label: difference.p for label, difference in differences.items() if difference.p is not None}
        adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
        return tuple(
            replace(result, difference=replace(difference, p=adjusted.get(result.label)))
            if (difference := differences.get(result.label)) is not None
            else result
            for result in ranked
        )

    def _by_seed(self, result: VariantResult) -> dict[int, float]:
        name = self.plan.metric.name
        return {trial.seed: value for trial in result.trials if (value := trial.value(name)) is not None}
