"""What a sweep set out to do: `plan.json` as plain dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from experiments.results.lenient import mapping, number, objects, text, texts, whole
from registry.types import MetricOf

SCHEMA_VERSION = 2
"""1: sweeps of a grid only; it is still read."""


class ResultsError(ValueError):
    """A folder that cannot be read as results; the message says why."""


@dataclass(frozen=True)
class Metric:
    """What variants are ranked by, and the best checkpoint is chosen by: a name from the validation metrics."""

    name: Annotated[str, MetricOf("task")] = "valid/loss"
    goal: Literal["minimize", "maximize"] = "minimize"

    def order(self, value: float) -> float:
        """A sort key: smaller is better whatever the goal."""
        return value if self.goal == "minimize" else -value

    @property
    def label(self) -> str:
        return metric_label(self.name)

    @property
    def direction(self) -> str:
        return "lower is better" if self.goal == "minimize" else "higher is better"


@dataclass(frozen=True)
class Held:
    """How a variant was brought to the budget: `setting` was set to `value`, which makes `amount` of `target`."""

    setting: str
    value: float
    amount: float
    target: float

    @property
    def off(self) -> float:
        """What is left of the mismatch, as a share of the target; negative below it."""
        return (self.amount - self.target) / self.target


@dataclass(frozen=True)
class Variant:
    """One combination of axis values.

    values: path of an axis -> label of its value. settings: everything that sets it apart from the spec, path -> value,
    axes, overrides and the budget's solution together. held: where the sweep has a budget.
    """

    label: str
    values: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    held: Held | None = None


Stage = Literal["compare", "tune"]
"""What a trial is for: to be ranked, or to find a variant's settings, after which its result counts no more."""


@dataclass(frozen=True)
class PlannedTrial:
    """A variant, by its label, with a seed; `id` is the name of its folder.

    tuned: the settings that were tried, or, of a trial that is compared, chosen; path -> value.
    """

    id: str
    variant: str
    seed: int
    stage: Stage = "compare"
    tuned: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BudgetFacts:
    """What was held equal, by which setting, and within which share of the target."""

    hold: str
    by: str
    target: float
    tolerance: float


@dataclass(frozen=True)
class Override:
    """Settings of some variants only, in words.

    when: {path: what is wanted}. set: {path: value}. variants: by label.
    """

    when: Mapping[str, str]
    set: Mapping[str, str]
    variants: tuple[str, ...]


@dataclass(frozen=True)
class TuningFacts:
    """How settings were chosen for each variant, before the comparison.

    metric: what they were chosen by. space: path -> the values or the distribution, in words. tries: for each variant.
    seeds: for each try. halving: 1 / halving of the tries went on at every rung.
    """

    search: str
    metric: str
    space: Mapping[str, str]
    tries: int
    seeds: int = 1
    halving: int | None = None


@dataclass(frozen=True)
class LeftOut:
    """A combination of axis values that is not trained, and why."""

    label: str
    values: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class Caveat:
    """What must be known to read the numbers of some variants, named by their labels."""

    words: str
    variants: tuple[str, ...]


@dataclass(frozen=True)
class Reference:
    """A value to compare with that was not trained in this sweep, such as a bigram model's, and how it was found."""

    label: str
    metric: str
    value: float
    about: str = ""


@dataclass(frozen=True)
class Plan:
    """What a sweep settled before its first trial, and the trials that it has come to want since.

    baseline: path of each axis -> label; baseline_label: of the variant itself. seeds: those of the trials that are
    known; most_seeds: how many there may come to be, where they are added until the intervals are narrow.
    looks: how often the results are looked at to decide whether more seeds are needed (1: never); intervals are
    widened for it. scaling: the axis that makes the model larger. strict: a combination that cannot be trained would
    have been refused.
    """

    name: str
    metric: Metric
    spec_file: str = ""
    command: str = ""
    created: str = ""
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    baseline: Mapping[str, str] | None = None
    seeds: tuple[int, ...] = ()
    variants: tuple[Variant, ...] = ()
    trials: tuple[PlannedTrial, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    references: tuple[Reference, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    budget: BudgetFacts | None = None
    looks: int = 1
    scaling: str | None = None
    baseline_label: str | None = None
    most_seeds: int | None = None
    overrides: tuple[Override, ...] = ()
    tuning: TuningFacts | None = None
    strict: bool = False

    @property
    def compared(self) -> tuple[PlannedTrial, ...]:
        """The trials that are ranked."""
        return tuple(trial for trial in self.trials if trial.stage == "compare")

    @property
    def tries(self) -> tuple[PlannedTrial, ...]:
        """The trials of tuning."""
        return tuple(trial for trial in self.trials if trial.stage == "tune")

    @property
    def left_out_by_reason(self) -> dict[str, tuple[str, ...]]:
        """The labels of the combinations that were left out, under each reason: one reason tends to hold for many."""
        reasons = dict.fromkeys(entry.reason for entry in self.left_out)
        return {reason: tuple(entry.label for entry in self.left_out if entry.reason == reason) for reason in reasons}

    def is_baseline(self, variant: Variant) -> bool:
        """Whether `variant` is the baseline, by its label or, in older plans, by its values."""
        if self.baseline_label is not None:
            return variant.label == self.baseline_label
        return bool(self.baseline) and all(variant.values.get(a) == v for a, v in (self.baseline or {}).items())


def read_plan(raw: Mapping[str, Any], problems: list[str]) -> Plan:
    """A plan from the contents of `plan.json`; what is missing stays empty, a newer schema is refused."""
    version = raw.get("schema_version", SCHEMA_VERSION)
    if version not in (1, SCHEMA_VERSION):
        raise ResultsError(f"plan.json has schema version {version!r}; this program reads version {SCHEMA_VERSION}")
    metric = mapping(raw.get("metric"))
    if not metric.get("name"):
        problems.append(f"plan.json names no metric; {Metric.name} is assumed")
    seeds = raw.get("seeds")
    return Plan(
        name=text(raw.get("name"), "unnamed"),
        metric=Metric(
            name=text(metric.get("name")) or Metric.name,
            goal="maximize" if metric.get("goal") == "maximize" else "minimize",
        ),
        spec_file=text(raw.get("spec_file")),
        command=text(raw.get("command")),
        created=text(raw.get("created")),
        axes={
            axis: tuple(text(value, repr(value)) for value in values)
            for axis, values in mapping(raw.get("axes")).items()
            if isinstance(values, list)
        },
        baseline=texts(raw["baseline"]) if isinstance(raw.get("baseline"), dict) else None,
        seeds=tuple(s for s in map(whole, seeds) if s is not None) if isinstance(seeds, list) else (),
        variants=tuple(
            Variant(
                text(entry.get("label")),
                texts(entry.get("values")),
                mapping(entry.get("settings")),
                _held(mapping(entry.get("held"))),
            )
            for entry in objects(raw.get("variants"))
        ),
        trials=tuple(
            PlannedTrial(
                text(entry.get("id")),
                text(entry.get("variant")),
                whole(entry.get("seed")) or 0,
                "tune" if entry.get("stage") == "tune" else "compare",
                mapping(entry.get("tuned")),
            )
            for entry in objects(raw.get("trials"))
        ),
        left_out=tuple(
            LeftOut(text(entry.get("label")), texts(entry.get("values")), text(entry.get("reason"), "no reason given"))
            for entry in objects(raw.get("left_out"))
        ),
        caveats=tuple(
            Caveat(text(entry.get("words")), tuple(map(text, names)))
            for entry in objects(raw.get("caveats"))
            if isinstance(names := entry.get("variants"), list)
        ),
        references=tuple(
            Reference(text(entry.get("label"), "reference"), text(entry.get("metric")), value, text(entry.get("about")))
            for entry in objects(raw.get("references"))
            if (value := number(entry.get("value"))) is not None
        ),
        data=texts(raw.get("data")),
        environment=texts(raw.get("environment")),
        budget=_budget(mapping(raw.get("budget"))),
        looks=whole(raw.get("looks")) or 1,
        scaling=text(raw.get("scaling")) or None,
        baseline_label=text(raw.get("baseline_label")) or None,
        most_seeds=whole(raw.get("most_seeds")),
        overrides=tuple(
            Override(texts(entry.get("when")), texts(entry.get("set")), tuple(map(text, names)))
            for entry in objects(raw.get("overrides"))
            if isinstance(names := entry.get("variants"), list)
        ),
        tuning=_tuning(mapping(raw.get("tuning"))),
        strict=raw.get("strict") is True,
    )


def _tuning(raw: Mapping[str, Any]) -> TuningFacts | None:
    tries = whole(raw.get("tries"))
    if tries is None:
        return None
    return TuningFacts(
        search=text(raw.get("search")),
        metric=text(raw.get("metric")),
        space=texts(raw.get("space")),
        tries=tries,
        seeds=whole(raw.get("seeds")) or 1,
        halving=whole(raw.get("halving")),
    )


def _held(raw: Mapping[str, Any]) -> Held | None:
    value, amount, target = (number(raw.get(key)) for key in ("value", "amount", "target"))
    if value is None or amount is None or not target:
        return None
    return Held(text(raw.get("setting")), value, amount, target)


def _budget(raw: Mapping[str, Any]) -> BudgetFacts | None:
    target, tolerance = number(raw.get("target")), number(raw.get("tolerance"))
    if target is None or tolerance is None:
        return None
    return BudgetFacts(text(raw.get("hold")), text(raw.get("by")), target, tolerance)


def metric_label(name: str) -> str:
    """`valid/bits_per_byte` -> `validation bits per byte`."""
    words = name.replace("_", " ").split("/")
    return " ".join({"valid": "validation", "train": "training"}.get(word, word) for word in words)
