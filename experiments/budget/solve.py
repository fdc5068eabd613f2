"""A budget, solved: one setting of each variant is set so that all variants need the same amount."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.budget.knobs import fault_of, most, path_of, present, start
from experiments.budget.search import Found, nearest
from experiments.budget.timing import Timings, Untimed
from experiments.budget.tuned import require_untouched
from experiments.budget.words import amount_in_words, miss
from experiments.results.plan import BudgetFacts, Held
from experiments.sweep_options import Budget, share
from registry.catalog import Catalog
from registry.errors import Problem, SpecError

if TYPE_CHECKING:
    from experiments.budget.amounts import Amounts
    from experiments.sweep.plan import Variant

Settings = Sequence[tuple[str, Any]]
SpecOf = Callable[[Settings], Mapping[str, Any]]
"""The full spec with some settings laid over it. Raises SpecError where they cannot be."""
Tell = Callable[[str], None]

_SILENCE = 10.0
"""Seconds without a word after which it is said how far the work has come."""


def solve(
    variants: Sequence[Variant],
    baseline: Variant | None,
    options: Budget,
    spec_of: SpecOf,
    catalog: Catalog,
    tell: Tell,
    *,
    tries: Sequence[Settings] = (),
    remembered: Path | None = None,
    keep: bool = True,
) -> tuple[tuple[Variant, ...], BudgetFacts]:
    """The variants, each with the setting that comes nearest to the target as its last one, and what was held.

    The target is `options.at`, or what the baseline needs as it is, or what the spec itself needs. A baseline that sets
    the target keeps its own value. tries: choices of what is tuned afterwards, which must leave the amounts alone.
    remembered, keep: a file that keeps timings from one planning to the next, see `Timings`.

    Raises SpecError with all problems, of the knob or of variants that cannot come near enough; BadData.
    """
    knob = options.by
    _require_sense(options, {v.label: (spec_of(v.settings), v.settings) for v in variants})
    # torch comes with it, and not every plan has a budget
    from experiments.budget.amounts import Amounts

    with Timings(remembered, tell, keep=keep) as timings:
        amounts = Amounts(options.hold, catalog, timings)
        try:
            solver = _Solver(options, spec_of, amounts, _target(options, baseline, spec_of, amounts))
            wanted = amount_in_words(options.hold, solver.target)
            tell(f"budget: every variant is to have {wanted}, by {path_of(knob)}")
            solved = solver.all(variants, baseline if options.at is None else None, tell)
            counts = Amounts("flops", catalog, timings) if options.hold == "time" else amounts
            require_untouched(
                solved,
                tries,
                options.hold,
                lambda settings, label: counts.of(spec_of(settings), label),
                solver.tolerance,
            )
        except Untimed as error:
            raise SpecError([Problem("sweep.budget", str(error))]) from error
    return solved, BudgetFacts(options.hold, solver.path, solver.target, solver.tolerance)


def _require_sense(options: Budget, specs: Mapping[str, tuple[Mapping[str, Any], Settings]]) -> None:
    """Raises SpecError unless the knob is a setting of every variant that can be solved for."""
    path = path_of(options.by)
    if options.hold == "time" and path != path_of("steps"):
        message = (
            f"time cannot be solved by {options.by}: timings are too rough to tell neighbouring values apart, and each "
            "would have to be trained with for a while; use steps"
        )
        raise SpecError([Problem("sweep.budget.by", message)])
    faults: dict[str, list[str]] = {}
    for label, (full, settings) in specs.items():
        fault = fault_of(options.by, full, settings)
        if fault is not None:
            faults.setdefault(fault, []).append(label)
    if faults:
        named = path if path == options.by else f"{options.by} ({path})"
        problems = [f"{named} {fault}{_of(labels, len(specs))}" for fault, labels in faults.items()]
        raise SpecError([Problem("sweep.budget.by", words) for words in problems])


def _of(labels: Sequence[str], all_variants: int) -> str:
    """Which variants have a fault, unless all have it."""
    if len(labels) == all_variants:
        return ""
    more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    return f" (variants {', '.join(f'[{label}]' for label in labels[:3])}{more})"


def _target(options: Budget, baseline: Variant | None, spec_of: SpecOf, amounts: Amounts) -> float:
    if options.at is not None:
        return options.at
    label = "the spec itself" if baseline is None else baseline.label
    try:
        return amounts.of(spec_of(() if baseline is None else baseline.settings), label)
    except SpecError as error:
        whose = f"the target is the amount of [{label}], which has none; give `at`, or another baseline"
        problems = [replace(p, message=f"{p.message} ({whose})") for p in error.problems]
        raise SpecError(problems) from error


@dataclass
class _Solver:
    options: Budget
    spec_of: SpecOf
    amounts: Amounts
    target: float

    @property
    def path(self) -> str:
        return path_of(self.options.by)

    @property
    def tolerance(self) -> float:
        return share(self.options.tolerance)

    def all(self, variants: Sequence[Variant], keeps: Variant | None, tell: Tell) -> tuple[Variant, ...]:
        """Every variant, solved. keeps: the one whose own amount is the target. Raises SpecError with all misses."""
        solved: list[Variant] = []
        problems: list[Problem] = []
        spoken = time.monotonic()
        for number, variant in enumerate(variants):
            if time.monotonic() - spoken > _SILENCE:
                tell(f"budget: {number} of {len(variants)} variants are solved")
                spoken = time.monotonic()
            found, reason = self._search(variant)
            fault = self._fault(found, reason)
            if fault is not None:
                problems.append(Problem("sweep.budget", f"[{variant.label}] {fault}"))
            elif found is not None:
                solved.append(self._held(variant, found, keeps))
        if problems:
            raise SpecError(problems)
        return tuple(solved)

    def _own(self, variant: Variant) -> int | None:
        """The value that a variant has, None where it follows from other settings in a way that only building tells."""
        full = self.spec_of(variant.settings)
        own = present(self.path, full)
        return self.amounts.steps(full) if own is None and self.path == path_of("steps") else own

    def _search(self, variant: Variant) -> tuple[Found | None, str]:
        """The value that comes nearest, or None and why the values that were tried cannot be."""
        reason = ""

        def amount(value: int) -> float | None:
            nonlocal reason
            try:
                return self.amounts.of(self.spec_of((*variant.settings, (self.path, value))), variant.label)
            except SpecError as error:
                reason = error.problems[0].message
                return None

        return nearest(amount, self.target, start(self._own(variant)), most(self.path)), reason

    def _fault(self, found: Found | None, reason: str) -> str | None:
        if found is None:
            return f"has no value of {self.path} that works: {reason}"
        if abs(found.nearest.amount - self.target) <= self.tolerance * self.target:
            return None
        return miss(self.options.hold, self.options.by, self.path, found, self.target, self.tolerance)

    def _held(self, variant: Variant, found: Found, keeps: Variant | None) -> Variant:
        value, amount = found.nearest.value, found.nearest.amount
        if keeps is not None and variant.label == keeps.label:
            # it stays as it is: what follows from other settings goes on doing so, and this value comes to the same
            return replace(variant, held=Held(self.path, value, self.target, self.target))
        settings = (*variant.settings, (self.path, value))
        return replace(variant, settings=settings, held=Held(self.path, value, amount, self.target))
