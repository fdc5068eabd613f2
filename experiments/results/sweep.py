"""A sweep's results: trials joined with the plan, averaged over seeds, ranked, compared with the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from experiments.results.noise import Noise, noise_of
from experiments.results.plan import Plan, Reference, Variant
from experiments.results.statistics import CONFIDENCE, Estimate, estimate
from experiments.results.trial import Trial
from experiments.results.variant_result import COSTS, VariantResult, lost
from experiments.results.verdict import Difference, corrected, paired_difference

MINIMIZED = ("loss", "perplexity", "bits_per_byte", "error", "l1", "giou")
MAXIMIZED = ("accuracy", "bleu", "chrf", "f1", "precision", "recall")
"""Endings of metrics' names, for the verdicts on those that a sweep is not ranked by."""


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
        differences = self.differences()
        placed = [
            replace(row, rank=place, difference=differences.get(row.label)) for place, row in enumerate(ranked, start=1)
        ]
        return (*placed, *rest)

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
    def compared(self) -> tuple[Trial, ...]:
        """The trials that are ranked: all but the tries of tuning."""
        return tuple(trial for trial in self.trials if trial.stage == "compare")

    @property
    def best_trial(self) -> Trial | None:
        """The finished trial with the best metric, among those that are ranked."""
        name, order = self.plan.metric.name, self.plan.metric.order
        scored = [(order(value), trial) for trial in self.compared if (value := trial.value(name)) is not None]
        return min(scored, key=lambda pair: pair[0])[1] if scored else None

    @property
    def failures(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.ended_without)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials have each status; statuses that do not occur are left out."""
        found = [trial.status for trial in self.trials]
        return {status: found.count(status) for status in dict.fromkeys(found)}

    @property
    def confidence(self) -> float:
        """Of every interval: 95 %, and more where the results are looked at several times, for 95 % over all looks."""
        return 1 - (1 - CONFIDENCE) / max(1, self.plan.looks)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics that a trial finished with, that of the ranking first."""
        summaries = [trial.summary for trial in self.compared if trial.finished and trial.summary]
        found = dict.fromkeys(name for summary in summaries for name in summary.metrics)
        return tuple(sorted(found, key=lambda name: name != self.plan.metric.name))

    def goal(self, metric: str) -> str | None:
        """`minimize` or `maximize`; None for a metric that nothing is known of."""
        if metric == self.plan.metric.name:
            return self.plan.metric.goal
        last = metric.split("/")[-1]
        return "minimize" if last.endswith(MINIMIZED) else "maximize" if last.endswith(MAXIMIZED) else None

    def by_seed(self, label: str, metric: str | None = None) -> dict[int, float]:
        """The finite values of a metric (that of the ranking) that a variant's trials finished with."""
        name = metric or self.plan.metric.name
        trials = (trial for trial in self.compared if trial.variant == label)
        return {trial.seed: value for trial in trials if (value := trial.value(name)) is not None}

    def estimates(self, metric: str | None = None) -> dict[str, Estimate]:
        """The mean of a metric for every variant that has a value of it."""
        found = {
            variant.label: estimate([*self.by_seed(variant.label, metric).values()], confidence=self.confidence)
            for variant in self.plan.variants
        }
        return {label: mean for label, mean in found.items() if mean is not None}

    def differences(self, metric: str | None = None) -> dict[str, Difference]:
        """Every other variant against the baseline, by any metric, corrected over the variants within that metric."""
        baseline = self._baseline_variant
        if baseline is None:
            return {}
        against = self.by_seed(baseline.label, metric)
        others = [variant.label for variant in self.plan.variants if variant.label != baseline.label]
        noise = self._noise(metric)
        found: dict[str, Difference] = {}
        for label in others:
            difference = paired_difference(self.by_seed(label, metric), against, confidence=self.confidence)
            if difference is not None:
                missing = lost(self._trials(label), metric or self.plan.metric.name)
                found[label] = replace(difference, luck=noise.sd if noise else None, lost=missing)
        return corrected(found, confidence=self.confidence)

    @cached_property
    def lead(self) -> Difference | None:
        """The first of the ranking against the second: what can be said where there is no baseline."""
        if len(self.ranked) < 2:
            return None
        first, second = (self.by_seed(row.label) for row in self.ranked[:2])
        found = paired_difference(first, second, confidence=self.confidence)
        return replace(found, luck=self.noise.sd if self.noise else None, lost=self.ranked[0].lost) if found else None

    @cached_property
    def noise(self) -> Noise | None:
        """What the seed alone does to the metric."""
        return self._noise(None)

    def ratios(self, row: VariantResult) -> Mapping[str, float]:
        """What a variant costs in units of what the baseline costs, by the names in COSTS, where both are known."""
        base = self.baseline
        pairs = {name: (pick(row), pick(base)) for name, pick in COSTS.items()} if base else {}
        return {name: own / other for name, (own, other) in pairs.items() if own is not None and other}

    @cached_property
    def _baseline_variant(self) -> Variant | None:
        return next((variant for variant in self.plan.variants if self.plan.is_baseline(variant)), None)

    def _noise(self, metric: str | None) -> Noise | None:
        values = {v.label: [*self.by_seed(v.label, metric).values()] for v in self.plan.variants}
        return noise_of(values, self._baseline_variant.label if self._baseline_variant else None)

    def _trials(self, label: str) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.compared if trial.variant == label)

    def _result(self, variant: Variant) -> VariantResult:
        trials = self._trials(variant.label)
        values = [*self.by_seed(variant.label).values()]
        found = estimate(values, confidence=self.confidence)
        missing = lost(trials, self.plan.metric.name)
        return VariantResult(variant, trials, found, variant is self._baseline_variant, lost=missing)
