"""The `sweep:` block of a spec: what is compared, what is held equal, how often, and what a trial may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from registry.types import Fraction, NonNegativeInt, Percent, PositiveFloat, PositiveInt


@dataclass(frozen=True)
class Axis:
    """An axis with more to say than its values.

    labels: short names for the values, in their order. when: vary it only where these settings have one of these
    values, {path: value or list of values}; everywhere else it keeps what the spec says.
    """

    values: list[Any]
    labels: list[str] | None = None
    when: dict[str, Any] | None = None


@dataclass(frozen=True)
class Distribution:
    """Where values are drawn from; exactly one of the three, each [from, to].

    integers: both ends included. log_uniform: evenly in the logarithm, for learning rates and the like.
    """

    uniform: list[float] | None = None
    log_uniform: list[float] | None = None
    integers: list[int] | None = None


@dataclass(frozen=True)
class Random:
    """Settings drawn at random, all together, so many times; each draw meets every combination of the axes.

    settings: path -> a list to choose from, or a distribution.
    """

    settings: dict[str, list[Any] | Distribution]
    draws: PositiveInt
    seed: NonNegativeInt = 0


@dataclass(frozen=True)
class Override:
    """Settings of some variants only, such as a learning rate tuned for them.

    when: {path: value or list of values} that pick the variants. set: {path: value}; a later override wins.
    """

    when: dict[str, Any]
    set: dict[str, Any]


@dataclass(frozen=True)
class Budget:
    """What is held equal over the variants by solving for one free setting of each.

    hold: parameters; flops (of the whole training); tokens seen in training; memory (of a training step, counted);
        time (of training, from steps that are timed before the sweep).
    by: the setting that is solved for: width, hidden, depth, heads or steps, or the path of another whole number.
    at: the amount to hold, memory in bytes and time in seconds; that of the baseline unless given, or of the spec
        itself where there is no baseline.
    tolerance: how far from it a variant may end up, as a share: 0.01 or 1%.
    """

    hold: Literal["parameters", "flops", "time", "tokens", "memory"]
    by: str
    at: PositiveFloat | None = None
    tolerance: Fraction | Percent = 0.01


def share(written: float | str) -> float:
    """A share that is written as a number or in percent: 0.01 and "1%" are the same."""
    return float(written.removesuffix("%")) / 100 if isinstance(written, str) else float(written)


@dataclass(frozen=True)
class AutoSeeds:
    """As many seeds as it takes until the intervals are narrow enough.

    width: of the half interval, in units of the metric; a hundredth of the baseline's mean unless given. The interval
    is that of the difference from the baseline, or of the mean where there is no baseline.
    at_least, at_most: how many seeds a variant gets in any case, and when to give up.
    """

    width: PositiveFloat | None = None
    at_least: PositiveInt = 3
    at_most: PositiveInt = 12


@dataclass(frozen=True)
class Tuning:
    """How the settings under `tune:` are chosen for each variant, with equally many tries for all of them.

    search: every combination of the lists (grid), or draws (random), or Optuna's tree-structured Parzen estimator
        (tpe; needs the extra `search`).
    tries: for each variant; needed by random and tpe.
    seeds: how many seeds a try is trained with, its score being their mean. first_seed: the first of them, apart from
        those of the comparison, so that nothing is chosen by the luck it is judged with.
    halving: successive halving (Jamieson and Talwalkar 2016, arXiv 1502.07943): train every try to a fraction of the
        steps, go on with the best 1 / halving of them, and so on to the end; not with tpe.
    """

    search: Literal["grid", "random", "tpe"] = "grid"
    tries: PositiveInt | None = None
    seeds: PositiveInt = 1
    first_seed: NonNegativeInt = 1000
    halving: PositiveInt | None = None


@dataclass(frozen=True)
class Limits:
    """What one trial may use, and what happens when it does not come to an end.

    minutes: of wall clock, over one attempt. memory_mb: data that its process may hold.
    retries: how often a trial goes on from its last checkpoint after it was killed or its machine was lost; one that
        raises, diverges or runs out of memory is never tried again by itself.
    on_failure: train the other trials (continue) or stop the sweep.
    """

    minutes: PositiveFloat | None = None
    memory_mb: PositiveInt | None = None
    retries: NonNegativeInt = 1
    on_failure: Literal["continue", "stop"] = "continue"


@dataclass(frozen=True)
class Sweep:
    """Which variants are compared, at what budget, with how many seeds.

    axes: dotted path of a setting -> the values it takes; all combinations are trained, those that cannot work are left
        out with the reason. strict: refuse them instead.
    zip: settings that change together, each group one more axis: {path: values, path: values}, lists of equal length.
    random: settings drawn at random. variants: further ones by name, each {path: value}. With none of these four the
        spec is trained as it is, with each of the seeds.
    overrides: settings of some variants only. exclude: combinations to leave out, each {path: value or list, ...}.
    baseline: what the others are compared with, as {path: value}, or the name of one of `variants`.
    budget: what is held equal. seeds: so many, from 0, or a list, or auto.
    tune: path -> a list of values or a distribution, chosen for each variant on validation data; the comparison is then
        reported on test data. tuning: how.
    scaling: the axis that makes the model larger, for curves of quality against size.
    workers: trials at a time, one a core or GPU unless given. limits: of one trial.
    """

    axes: dict[str, list[Any] | Axis] | None = None
    zip: list[dict[str, list[Any]]] | None = None
    random: Random | None = None
    variants: dict[str, dict[str, Any]] | None = None
    overrides: list[Override] | None = None
    exclude: list[dict[str, Any]] | None = None
    strict: bool = False
    baseline: dict[str, Any] | str | None = None
    budget: Budget | None = None
    seeds: PositiveInt | list[NonNegativeInt] | Literal["auto"] | AutoSeeds = 3
    tune: dict[str, list[Any] | Distribution] | None = None
    tuning: Tuning = Tuning()
    scaling: str | None = None
    workers: PositiveInt | None = None
    limits: Limits = Limits()


def looks(auto: AutoSeeds) -> list[int]:
    """After how many seeds the intervals are looked at: the first few, then half as many again each time, to the last.

    A group-sequential scheme has to say beforehand how often it looks, because every look is a chance to be fooled.
    """
    seeds = [auto.at_least]
    while seeds[-1] < auto.at_most:
        seeds.append(min(auto.at_most, seeds[-1] + -(-seeds[-1] // 2)))
    return seeds


def seeds_of(wanted: Any) -> list[int] | AutoSeeds:
    """What a full spec says under `seeds`, as seeds, each once, or as a rule for how many."""
    if wanted == "auto":
        return AutoSeeds()
    if isinstance(wanted, Mapping):
        return AutoSeeds(**wanted)
    return list(range(wanted)) if isinstance(wanted, int) else list(dict.fromkeys(wanted))
