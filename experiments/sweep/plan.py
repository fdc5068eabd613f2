"""What a sweep will do: its variants, the seeds they get, and which combinations are left out and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from experiments.results.plan import BudgetFacts, Caveat, Held, LeftOut, Override
from experiments.sweep.adjusted import wanted_in_words
from experiments.sweep.axes import space_of
from experiments.sweep.axis_mistakes import find_axis_mistakes
from experiments.sweep.findings import Findings
from experiments.sweep.labels import label
from experiments.sweep.named import axes_of
from experiments.sweep.other_mistakes import find_other_mistakes
from experiments.sweep.settings import Settings
from experiments.sweep.settle import Settled, refuse_twins, settle
from experiments.sweep.specs import Specs
from experiments.sweep.tryout import probes, try_out
from experiments.sweep_options import AutoSeeds, Budget, looks, seeds_of
from experiments.trial_spec import content
from registry.errors import Problem, SpecError
from registry.load import Loaded, caveats_of


@dataclass(frozen=True)
class Variant:
    """What is compared: the spec with some settings of its own.

    values: path of an axis -> label of its value; empty where the variant, being one by name, does not set it, a dash
    where the axis does not apply. settings: axes, random, zip, overrides, then the setting that meets the budget.
    held: how the budget was met.
    """

    label: str
    values: Mapping[str, str]
    settings: Settings = ()
    held: Held | None = None


@dataclass(frozen=True)
class SweepPlan:
    """All that is settled before anything is trained.

    axes: path -> labels in order. baseline: the label of a variant. seeds: so many in any case, or as many as it takes.
    """

    axes: Mapping[str, Sequence[str]]
    baseline: str | None
    seeds: Sequence[int] | AutoSeeds
    variants: Sequence[Variant]
    left_out: Sequence[LeftOut]
    caveats: Sequence[Caveat]
    specs: Specs = field(repr=False, compare=False)
    budget: BudgetFacts | None = None
    overrides: Sequence[Override] = ()

    @property
    def looks(self) -> int:
        """How often the results are looked at to decide whether more seeds are needed."""
        return len(looks(self.seeds)) if isinstance(self.seeds, AutoSeeds) else 1

    @property
    def first_seeds(self) -> list[int]:
        """The seeds that every variant is trained with in any case."""
        return list(range(self.seeds.at_least)) if isinstance(self.seeds, AutoSeeds) else list(self.seeds)

    def spec(self, variant: Variant, seed: int, tuned: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The full spec of a trial; kept, so that asking again costs nothing. Raises SpecError, Incompatible.

        tuned: settings on top of the variant's.
        """
        return self.specs.of((*variant.settings, *(tuned or {}).items()), variant.label, seed)


def make_plan(
    loaded: Loaded,
    tell: Callable[[str], None] = lambda words: None,
    *,
    remembered: Path | None = None,
    keep: bool = True,
    meet_budget: bool = True,
) -> SweepPlan:
    """Lay out the sweep of a spec: its combinations, checked one by one, then its budget.

    tell: hears what takes long, such as timing steps for a budget of time. remembered: a file of timings, so that a
    sweep which is continued comes to the same budget; keep: add new ones to it. meet_budget: solve for it, which
    imports torch; without, the variants are as if there were none.

    Raises SpecError with all mistakes of the block together, then with those of the values in its variants, and when
    nothing is left to train, the baseline is no variant, or a budget cannot be met.
    """
    if loaded.full["sweep"] is None:
        raise SpecError([Problem("sweep", "the spec has no `sweep:`; `run` trains a single spec")])
    found = Findings(loaded)
    factors = find_axis_mistakes(found)
    can_be_crossed = not found.problems
    find_other_mistakes(found)
    specs = Specs(loaded)
    settled = settle(found, factors, specs) if can_be_crossed else Settled([], [], None)
    _stop_at(found)
    sweep = found.sweep
    variants = [Variant(c.label, c.values, c.settings) for c in settled.kept]
    budget = None
    if sweep["budget"] is not None and meet_budget:
        # imported late: most sweeps hold nothing equal but the steps
        from experiments.budget import solve

        first = next((v for v in variants if v.label == settled.baseline), None)
        options = Budget(**sweep["budget"])
        try:
            solved, budget = solve(
                variants,
                first,
                options,
                lambda s: specs.of(tuple(s), "budget"),
                loaded.catalog,
                tell,
                tries=[tuple(probe.items()) for probe in probes(space_of(sweep["tune"] or {}))],
                remembered=remembered,
                keep=keep,
            )
        except SpecError as error:
            raise SpecError(_placed(problem, loaded) for problem in error.problems) from error
        variants = list(solved)
    full = {variant.label: specs.of(variant.settings, variant.label) for variant in variants}
    refuse_twins(found, [(name, json.dumps(content(spec), sort_keys=True)) for name, spec in full.items()])
    try_out(found, {variant.label: variant.settings for variant in variants}, specs)
    _stop_at(found)
    return SweepPlan(
        axes=axes_of(factors, list(sweep["variants"] or {})),
        baseline=settled.baseline,
        seeds=seeds_of(sweep["seeds"]),
        variants=variants,
        left_out=settled.left_out,
        caveats=_caveats(full, loaded),
        specs=specs,
        budget=budget,
        overrides=_overrides(sweep, settled),
    )


def _stop_at(found: Findings) -> None:
    if found.problems:
        raise SpecError(found.problems)


def _placed(problem: Problem, loaded: Loaded) -> Problem:
    """A problem with the place of its path in the spec, where it has none."""
    return replace(problem, place=problem.place or loaded.composed.place(tuple(problem.path.split("."))))


def _caveats(full: Mapping[str, Mapping[str, Any]], loaded: Loaded) -> list[Caveat]:
    """What must be known of variants to compare them. full: their specs, by label."""
    found: dict[str, list[str]] = {}
    for name, spec in full.items():
        for words in caveats_of(spec, loaded.catalog):
            found.setdefault(words, []).append(name)
    return [Caveat(words, tuple(labels)) for words, labels in found.items()]


def _overrides(sweep: Mapping[str, Any], settled: Settled) -> list[Override]:
    return [
        Override(
            when={path: wanted_in_words(wanted) for path, wanted in override["when"].items()},
            set={path: label(value) for path, value in override["set"].items()},
            variants=tuple(c.label for c in settled.kept if number in c.overrides),
        )
        for number, override in enumerate(sweep["overrides"] or [])
    ]
