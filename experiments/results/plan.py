"""What a sweep set out to do: `plan.json` as plain dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from experiments.results.lenient import mapping, number, objects, text, texts, whole

SCHEMA_VERSION = 1


class ResultsError(ValueError):
    """A folder that cannot be read as results; the message says why."""


@dataclass(frozen=True)
class Metric:
    """What variants are ranked by, and the best checkpoint is chosen by: a name from the validation metrics."""

    name: str = "valid/loss"
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
class Variant:
    """One combination of axis values; `values` maps the path of an axis to the label of its value."""

    label: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedTrial:
    """A variant, by its label, with a seed; `id` is the name of its folder."""

    id: str
    variant: str
    seed: int


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
    """Everything that was settled before the first trial started."""

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

    @property
    def left_out_by_reason(self) -> dict[str, tuple[str, ...]]:
        """The labels of the combinations that were left out, under each reason: one reason tends to hold for many."""
        reasons = dict.fromkeys(entry.reason for entry in self.left_out)
        return {reason: tuple(entry.label for entry in self.left_out if entry.reason == reason) for reason in reasons}

    def is_baseline(self, variant: Variant) -> bool:
        """Whether `variant` has every value that the baseline names."""
        return bool(self.baseline) and all(variant.values.get(a) == v for a, v in (self.baseline or {}).items())


def read_plan(raw: Mapping[str, Any], problems: list[str]) -> Plan:
    """A plan from the contents of `plan.json`; what is missing stays empty, a newer schema is refused."""
    version = raw.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
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
            Variant(text(entry.get("label")), texts(entry.get("values"))) for entry in objects(raw.get("variants"))
        ),
        trials=tuple(
            PlannedTrial(text(entry.get("id")), text(entry.get("variant")), whole(entry.get("seed")) or 0)
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
    )


def metric_label(name: str) -> str:
    """`valid/bits_per_byte` -> `validation bits per byte`."""
    words = name.replace("_", " ").split("/")
    return " ".join({"valid": "validation", "train": "training"}.get(word, word) for word in words)
