"""What a sweep will do: every variant with every seed, and which combinations are left out and why. Trains nothing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.results.plan import Caveat, LeftOut
from experiments.sweep.machine import cores
from registry.errors import Path, Problem, SpecError, did_you_mean, dotted
from registry.load import Incompatible, Loaded, caveats_of
from registry.values import shown

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Variant:
    """One combination. values: path -> label of the value; specs: the full spec for each seed."""

    label: str
    values: Mapping[str, str]
    specs: Mapping[int, dict[str, Any]]


@dataclass(frozen=True)
class SweepPlan:
    """All of a sweep. axes: path -> labels in order; baseline: path -> label, or None."""

    axes: Mapping[str, Sequence[str]]
    baseline: Mapping[str, str] | None
    seeds: Sequence[int]
    variants: Sequence[Variant]
    left_out: Sequence[LeftOut]
    caveats: Sequence[Caveat]
    workers: int

    @property
    def trials(self) -> list[tuple[Variant, int]]:
        """Variants with seeds, seed by seed, so that an interrupted sweep has compared everything it has trained."""
        return [(variant, seed) for seed in self.seeds for variant in self.variants]


def make_plan(loaded: Loaded) -> SweepPlan:
    """Lay out the sweep of a spec.

    Raises SpecError for an axis that hits no setting, a value that is wrong in itself, a baseline that is no variant,
    or when nothing is left to train.
    """
    sweep = loaded.full["sweep"]
    if sweep is None:
        raise SpecError([Problem("sweep", "the spec has no `sweep:`; `run` trains a single spec")])
    axes: dict[str, list[Any]] = sweep["axes"]
    _check_axes(axes, loaded)
    seeds = _seeds(sweep["seeds"], loaded)
    labels = {path: _labels(values) for path, values in axes.items()}
    variants: list[Variant] = []
    left_out: list[LeftOut] = []
    for choice in itertools.product(*(range(len(values)) for values in axes.values())):
        picked = {path: axes[path][i] for path, i in zip(axes, choice, strict=True)}
        named = {path: labels[path][i] for path, i in zip(axes, choice, strict=True)}
        label = " / ".join(named.values())
        reason = _excluded(picked, sweep["exclude"] or [])
        if reason is None:
            try:
                variants.append(Variant(label, named, _specs(loaded, picked, seeds, label)))
                continue
            except Incompatible as error:
                reason = "; ".join(problem.message for problem in error.problems)
        left_out.append(LeftOut(label, named, reason))
    if not variants:
        reasons = "; ".join(dict.fromkeys(item.reason for item in left_out))
        raise SpecError([Problem("sweep.axes", f"no combination can be trained: {reasons}", _place(loaded, "axes"))])
    baseline = _baseline(sweep["baseline"], axes, labels, variants, loaded)
    workers = sweep["workers"] or cores()
    return SweepPlan(labels, baseline, seeds, variants, left_out, _caveats(variants, loaded), workers)


def _caveats(variants: Sequence[Variant], loaded: Loaded) -> list[Caveat]:
    """What must be known of variants to compare them."""
    found: dict[str, list[str]] = {}
    for variant in variants:
        for words in caveats_of(next(iter(variant.specs.values())), loaded.catalog):
            found.setdefault(words, []).append(variant.label)
    return [Caveat(words, tuple(labels)) for words, labels in found.items()]


def _specs(loaded: Loaded, picked: Values, seeds: Sequence[int], label: str) -> dict[int, dict[str, Any]]:
    """The full spec for each seed."""
    first = _spec(loaded, picked, seeds[0], label)
    if "seed" in loaded.composed.references:
        return {seeds[0]: first, **{seed: _spec(loaded, picked, seed, label) for seed in seeds[1:]}}
    # they differ in nothing but the seed, and checking takes its time
    return {seed: {**first, "seed": seed} for seed in seeds}


def _spec(loaded: Loaded, picked: Values, seed: int, label: str) -> dict[str, Any]:
    return loaded.variant([*picked.items(), ("seed", seed)], f"sweep [{label}]").full


def _seeds(wanted: int | list[int], loaded: Loaded) -> list[int]:
    if wanted == []:
        raise SpecError([Problem("sweep.seeds", "names no seed", _place(loaded, "seeds"))])
    return list(range(wanted)) if isinstance(wanted, int) else list(dict.fromkeys(wanted))


def _check_axes(axes: Mapping[str, list[Any]], loaded: Loaded) -> None:
    """Every axis must hit a setting of the spec and have values, each once; what is excluded must be among them."""
    problems = []
    for path, values in axes.items():
        place = loaded.composed.key_place(("sweep", "axes", path))
        if path.split(".")[0] in ("sweep", "seed", "plugins", "name"):
            remedy = "use sweep.seeds" if path == "seed" else "it is no setting of a trial"
            problems.append(Problem(f"sweep.axes.{path}", f"cannot be an axis: {remedy}", place))
        elif not _reaches(loaded.full, path):
            hint = did_you_mean(path, _paths(loaded.full))
            problems.append(Problem(f"sweep.axes.{path}", f"hits no setting of the spec.{hint}", place))
        elif not values:
            problems.append(Problem(f"sweep.axes.{path}", "has no values", place))
        elif len({repr(v) for v in values}) < len(values):
            problems.append(Problem(f"sweep.axes.{path}", "names a value twice", place))
    if not axes:
        problems.append(Problem("sweep.axes", "names no axis", _place(loaded, "axes")))
    for number, rule in enumerate(loaded.full["sweep"]["exclude"] or []):
        problems += _misfits(rule, axes, ("sweep", "exclude", number), loaded)
    if problems:
        raise SpecError(problems)


def _reaches(full: Any, path: str) -> bool:
    """Whether a dotted path leads to a setting; below a block that another kind may fill, the values' check decides."""
    here = full
    for step in path.split("."):
        if here is None or (isinstance(here, Mapping) and "kind" in here and step not in here):
            return here is not full
        if not isinstance(here, Mapping) or step not in here:
            return False
        here = here[step]
    return True


def _paths(full: Any, before: str = "") -> list[str]:
    if not isinstance(full, Mapping):
        return []
    found = [f"{before}{key}" for key in full]
    return found + [path for key, value in full.items() for path in _paths(value, f"{before}{key}.")]


def _excluded(picked: Values, rules: Sequence[Values]) -> str | None:
    for rule in rules:
        if all(path in picked and _same(picked[path], value) for path, value in rule.items()):
            return "excluded by the spec: " + ", ".join(f"{path} = {_label(value)}" for path, value in rule.items())
    return None


def _baseline(
    wanted: Values | None,
    axes: Mapping[str, list[Any]],
    labels: Mapping[str, list[str]],
    variants: Sequence[Variant],
    loaded: Loaded,
) -> dict[str, str] | None:
    if wanted is None:
        return None
    problems = _misfits(wanted, axes, ("sweep", "baseline"), loaded)
    missing = [path for path in axes if path not in wanted]
    problems += [
        Problem("sweep.baseline", f"must say a value for every axis; {path} is missing", _place(loaded, "baseline"))
        for path in missing
    ]
    if problems:
        raise SpecError(problems)
    numbers = {path: [_same(value, wanted[path]) for value in values].index(True) for path, values in axes.items()}
    named = {path: labels[path][number] for path, number in numbers.items()}
    if not any(dict(v.values) == named for v in variants):
        raise SpecError([Problem("sweep.baseline", "is left out of the sweep", _place(loaded, "baseline"))])
    return named


def _misfits(named: Values, axes: Mapping[str, list[Any]], inside: Path, loaded: Loaded) -> list[Problem]:
    """What is wrong with a choice of values, {path: value}, that stands at `inside`: none but the axes' own will do."""
    problems = []
    for path, value in named.items():
        if path not in axes:
            fault = f"is no axis.{did_you_mean(path, axes)}"
        elif not any(_same(value, own) for own in axes[path]):
            fault = f"is none of the axis' values: {', '.join(_labels(axes[path]))}"
        else:
            continue
        problems.append(Problem(dotted((*inside, path)), fault, loaded.composed.place((*inside, path))))
    return problems


def _same(a: Any, b: Any) -> bool:
    """Whether two values of an axis are meant to be the same; a bare word is the kind alone."""
    return _block(a) == _block(b)


def _block(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


def _labels(values: Sequence[Any]) -> list[str]:
    """A short name for each value: its kind, with its options where kinds repeat."""
    kinds = [_kind(value) for value in values]
    return [kind if kinds.count(kind) == 1 else _label(value) for kind, value in zip(kinds, values, strict=True)]


def _kind(value: Any) -> str:
    return str(value["kind"]) if isinstance(value, Mapping) and "kind" in value else _label(value)


def _label(value: Any) -> str:
    if isinstance(value, Mapping):
        options = " ".join(f"{k}={_label(v)}" for k, v in value.items() if k != "kind")
        return f"{value.get('kind', '')} {options}".strip()
    if isinstance(value, list):
        return "[" + ", ".join(map(_label, value)) + "]"
    return value if isinstance(value, str) else shown(value)


def _place(loaded: Loaded, key: str) -> Any:
    return loaded.composed.place(("sweep", key))
