"""A variant against the baseline: the difference over equal seeds, and what may be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from experiments.results.statistics import (
    CONFIDENCE,
    FEWEST_SEEDS,
    MOST_SEEDS,
    holm,
    holm_levels,
    paired,
    seeds_needed,
    t_interval,
)


@dataclass(frozen=True)
class Difference:
    """A variant minus the baseline, paired on the seed.

    mean, sd: of the paired differences. low, high: the interval of this difference alone. p: two-sided, of this
    comparison alone.
    p_holm: p, corrected for the number of comparisons and of looks; a verdict needs it below 0.05. low_all, high_all:
    the interval at the level that this comparison was tested at (Serlin 1993): it excludes zero just where the verdict
    says better or worse, and is never narrower than the one of the difference alone. Whatever stands beside a verdict
    shows this one.
    comparisons: how many it is corrected for. confidence: of low and high; above 95 % where results are looked at
    several times. luck: the standard deviation between single runs of one variant. lost: trials without a value.
    """

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None = None
    low_all: float | None = None
    high_all: float | None = None
    comparisons: int = 1
    confidence: float = CONFIDENCE
    luck: float | None = None
    lost: str = ""

    @property
    def effect(self) -> float | None:
        """The mean in units of the standard deviation of the paired differences (Cohen's d)."""
        return self.mean / self.sd if self.sd else None

    @cached_property
    def seeds_needed(self) -> int | None:
        """How many seeds would show a difference of this size with a chance of 80 %, if all comparisons need as much.

        MOST_SEEDS + 1 stands for more. None where it cannot be said: too few seeds, or a difference that does not vary.
        """
        if not self.tested or not self.effect:
            return None
        return seeds_needed(self.effect, (1 - self.confidence) / self.comparisons)

    @property
    def tested(self) -> bool:
        """Whether there are enough seeds for a test."""
        return self.p is not None and self.n >= FEWEST_SEEDS

    @property
    def within_luck(self) -> bool:
        """Whether it is smaller than the standard deviation between single runs of one variant."""
        return self.luck is not None and abs(self.mean) < self.luck

    def verdict(self, goal: str | None) -> str:
        """`better`, `worse`, `not distinguishable` or `too few seeds`; `lower` or `higher` where there is no goal."""
        if not self.tested or self.p_holm is None:
            return "too few seeds"
        if self.p_holm >= 1 - CONFIDENCE:
            return "not distinguishable"
        if goal is None:
            return "lower" if self.mean < 0 else "higher"
        return "better" if (self.mean < 0) == (goal == "minimize") else "worse"

    def words(self, goal: str | None) -> str:
        """The verdict and what it rests on, like `not distinguishable (would need about 14 seeds; 1 of 5 failed)`."""
        verdict = self.verdict(goal)
        about: list[str] = []
        if verdict == "too few seeds":
            about.append(f"{self.n} of at least {FEWEST_SEEDS}")
        elif verdict == "not distinguishable":
            about += [_needed(self.seeds_needed)] if self.seeds_needed else []
            about += ["the same difference with every seed"] if self.sd == 0 and self.mean else []
        elif self.within_luck:
            verdict += ", by less than the luck of one seed"
        about += [self.lost] if self.lost else []
        return f"{verdict} ({'; '.join(about)})" if about else verdict


def _needed(seeds: int) -> str:
    return f"would need {f'more than {MOST_SEEDS:,}' if seeds > MOST_SEEDS else f'about {seeds}'} seeds"


def paired_difference(
    values: Mapping[int, float], baseline: Mapping[int, float], *, confidence: float = CONFIDENCE
) -> Difference | None:
    """The mean of `values - baseline` over the seeds that both have, as a comparison of its own; None for no such seed.

    There is no interval where the difference is the same with every seed, unless it is zero: nothing says how much it
    would vary with others.
    """
    found = paired(values, baseline)
    if found is None:
        return None
    low, high = (None, None) if found.sd == 0 and found.mean else t_interval(found.n, found.mean, found.sd, confidence)
    alone = Difference(found.n, found.mean, found.sd, low, high, found.p, confidence=confidence)
    return corrected({"": alone}, confidence=confidence)[""]


def corrected(differences: Mapping[str, Difference], *, confidence: float = CONFIDENCE) -> dict[str, Difference]:
    """The same differences, corrected for each other: Holm over all that have seeds enough for a test.

    confidence: that of their intervals; 1 - 0.05 / looks where the results are looked at several times, and p values
    are corrected for that too.
    """
    level = 1 - confidence
    looks = (1 - CONFIDENCE) / level
    tested = {label: found for label, found in differences.items() if found.tested}
    p_values = [found.p or 0.0 for found in tested.values()]
    done = dict(differences)
    for (label, found), p_holm, at in zip(tested.items(), holm(p_values), holm_levels(p_values, level), strict=True):
        same = found.sd == 0 and found.mean
        low, high = (None, None) if same else t_interval(found.n, found.mean, found.sd, 1 - at)
        done[label] = replace(
            found,
            p_holm=min(1.0, p_holm * looks),
            low_all=low,
            high_all=high,
            comparisons=len(tested),
            confidence=confidence,
        )
    return done
