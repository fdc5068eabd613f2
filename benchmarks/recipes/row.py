"""What a recipe is expected to reach, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SEEN = "Not blind: settings of this recipe were compared on the test split too while it was made."
"""A remark, see Row."""


@dataclass(frozen=True)
class Bar:
    """What the test metric has to reach: every one of the targets.

    side: where the result has to lie. targets: numbers, or labels of baselines or of other variants. within: how far on
    the wrong side of a target is still allowed, in the units of the metric.
    """

    side: Literal["at most", "at least", "below", "above"]
    targets: tuple[float | str, ...]
    within: float = 0.0

    def holds(self, value: float, target: float) -> bool:
        match self.side:
            case "at most":
                return value <= target + self.within
            case "at least":
                return value >= target - self.within
            case "below":
                return value < target + self.within
            case "above":
                return value > target - self.within


def at_most(*targets: float | str, within: float = 0.0) -> Bar:
    return Bar("at most", targets, within)


def at_least(*targets: float | str, within: float = 0.0) -> Bar:
    return Bar("at least", targets, within)


def below(*targets: float | str, within: float = 0.0) -> Bar:
    return Bar("below", targets, within)


def above(*targets: float | str, within: float = 0.0) -> Bar:
    return Bar("above", targets, within)


@dataclass(frozen=True)
class Claim:
    """What a paper says of two variants: `better` does better than `worse` on the row's metric.

    better, worse: labels of variants, as `swapformer results` shows them. source: where it is said.
    """

    better: str
    worse: str
    source: str


@dataclass(frozen=True)
class Row:
    """One recipe of the table.

    title: the objective, in words. system: the published system that it is after, with its paper. spec: as
    `swapformer sweep` takes it, "recipes/...". metric: a metric of the test split, "test/...". bar: what the median
    over seeds has to reach. variant: the label of the variant whose result that is; not needed where there is one.
    baselines: functions of benchmarks.recipes.baselines, "language.xz" for `xz` in language.py, each of which returns
    references with test metrics. after: the specs whose runs this one starts from. claims: what is said of pairs of
    variants. also: further test metrics worth showing. larger: what to change for a larger version, and what to expect
    then. remark: what else has to be known to read the numbers.
    """

    title: str
    system: str
    spec: str
    metric: str
    bar: Bar | None = None
    variant: str | None = None
    baselines: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    also: tuple[str, ...] = ()
    larger: str = ""
    remark: str = ""
    group: Literal["recipes", "diagnostics", "long range"] = "recipes"
