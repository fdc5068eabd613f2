"""What sets two trials or two sweeps apart: settings, environment, results, cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from experiments.results.plan import Plan
from experiments.results.statistics import Estimate
from experiments.results.sweep import SweepResults
from experiments.results.trial import Trial
from registry.errors import SpecError
from registry.yaml_reader import read_yaml_text


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()
"""In the place of a value that one side does not have."""

COSTS = ("parameters", "flops_per_token", "tokens", "train_seconds", "wall_seconds", "tokens_per_second")


@dataclass(frozen=True)
class Change:
    """A setting by its dotted path, on both sides."""

    path: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Quantity:
    """A number on both sides; None where it is not known."""

    name: str
    a: float | None
    b: float | None

    @property
    def difference(self) -> float | None:
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True)
class Apart:
    """variants: of two sweeps, by label, the means of the ranking's metric on both sides. about: whose settings.

    environment_known: whether both sides say what they were trained on.
    """

    kind: str
    a: str
    b: str
    settings: tuple[Change, ...]
    environment: tuple[Change, ...]
    outcome: tuple[Change, ...]
    metrics: tuple[Quantity, ...] = ()
    costs: tuple[Quantity, ...] = ()
    variants: tuple[tuple[str, Estimate | None, Estimate | None], ...] = ()
    metric: str = ""
    about: str = ""
    environment_known: bool = True


def changes(a: Mapping[str, Any], b: Mapping[str, Any], before: str = "") -> list[Change]:
    """The settings that differ; a block of another kind as a whole, for the options of two kinds do not compare."""
    found = []
    for key in dict.fromkeys((*a, *b)):
        old, new, path = a.get(key, ABSENT), b.get(key, ABSENT), f"{before}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping) and old.get("kind") == new.get("kind"):
            found += changes(old, new, f"{path}.")
        elif old != new:
            found.append(Change(path, old, new))
    return found


def trials_apart(a: Trial, b: Trial, problems: list[str]) -> Apart:
    """Two trials, wherever they are."""
    metrics = [trial.summary.metrics if trial.summary else {} for trial in (a, b)]
    numbers = [_costs(trial) for trial in (a, b)]
    return Apart(
        "trials",
        _name(a),
        _name(b),
        tuple(changes(_spec(a, problems), _spec(b, problems))),
        tuple(changes(a.origin.environment, b.origin.environment)),
        tuple(changes(_outcome(a), _outcome(b))),
        tuple(Quantity(name, *(side.get(name) for side in metrics)) for name in _names(metrics)),
        tuple(q for name in _names(numbers) if (q := Quantity(name, *(side.get(name) for side in numbers))).a != q.b),
        environment_known=bool(a.origin.environment and b.origin.environment),
    )


def sweeps_apart(a: SweepResults, b: SweepResults, problems: list[str]) -> Apart:
    """Two sweeps: what they compare, the settings behind it, and the means of the variants that have the same label.

    The settings are those of the first trial that both have, by variant and seed.
    """
    pair = _same_trial(a, b)
    specs: list[Mapping[str, Any]] = [_spec(trial, problems) for trial in pair] if pair else [{}, {}]
    means = [
        side.estimates() if side.plan.metric == a.plan.metric else side.estimates(a.plan.metric.name) for side in (a, b)
    ]
    labels = dict.fromkeys(variant.label for side in (a, b) for variant in side.plan.variants)
    return Apart(
        "sweeps",
        str(a.folder),
        str(b.folder),
        (*changes(_set_up(a.plan), _set_up(b.plan)), *changes(specs[0], specs[1])),
        tuple(changes(a.plan.environment, b.plan.environment)),
        tuple(changes(a.counts, b.counts)),
        variants=tuple((label, means[0].get(label), means[1].get(label)) for label in labels),
        metric=a.plan.metric.name,
        environment_known=bool(a.plan.environment and b.plan.environment),
        about=f"{pair[0].variant}, seed {pair[0].seed}" if pair else "",
    )


def _name(trial: Trial) -> str:
    return f"{trial.folder} ({trial.variant}, seed {trial.seed})" if trial.variant != trial.id else str(trial.folder)


def _spec(trial: Trial, problems: list[str]) -> Mapping[str, Any]:
    try:
        found = read_yaml_text(trial.spec_text()).value
    except SpecError as error:
        problems.append(f"{trial.folder / 'spec.yaml'}: {' '.join(str(error).split())}")
        return {}
    return found if isinstance(found, Mapping) else {}


def _outcome(trial: Trial) -> dict[str, Any]:
    found = trial.summary
    named = {
        "status": trial.status,
        "reason": trial.reason,
        "steps": (found.steps if found else None) or trial.step,
        "best_step": found.best_step if found else None,
        "batches": found.batches if found else "",
        "attempts": trial.origin.number,
    }
    return {name: value for name, value in named.items() if value not in (None, "")}


def _costs(trial: Trial) -> dict[str, float]:
    found, wall = trial.summary, trial.origin.wall_seconds
    named = {name: getattr(found, name, None) for name in (*COSTS, "peak_memory_mb")} | {"wall_seconds": wall}
    return {name: value for name, value in named.items() if value is not None}


def _set_up(plan: Plan) -> dict[str, Any]:
    """What a sweep compares and how, as settings of its `sweep:` block."""
    budget = {"hold": plan.budget.hold, "by": plan.budget.by, "at": plan.budget.target} if plan.budget else None
    overrides = [{"when": dict(one.when), "set": dict(one.set)} for one in plan.overrides]
    named = {
        "metric": plan.metric.name,
        "goal": plan.metric.goal,
        "axes": {path: list(values) for path, values in plan.axes.items()},
        "baseline": dict(plan.baseline) if plan.baseline else None,
        "seeds": list(plan.seeds),
        "overrides": overrides or None,
        "budget": budget,
        "tuning": asdict(plan.tuning) if plan.tuning else None,
        "scaling": plan.scaling,
    }
    return {"sweep": named, "data": dict(plan.data)}


def _same_trial(a: SweepResults, b: SweepResults) -> tuple[Trial, Trial] | None:
    known = {(trial.variant, trial.seed): trial for trial in b.compared if trial.spec_text(1)}
    pairs = ((trial, known.get((trial.variant, trial.seed))) for trial in a.compared if trial.spec_text(1))
    return next(((trial, other) for trial, other in pairs if other is not None), None)


def _names(sides: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for side in sides for name in side))
