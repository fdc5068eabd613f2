"""Whether what is tuned leaves alone what a budget holds equal, for a budget is met before anything is tuned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from experiments.budget.words import Hold, amount_in_words
from registry.errors import Problem, SpecError
from registry.values import shown

if TYPE_CHECKING:
    from experiments.sweep.plan import Variant

Settings = Sequence[tuple[str, Any]]
Amount = Callable[[Settings, str], float]
"""(settings, label of the variant) -> what that needs of what is held. Raises SpecError where it cannot be told."""

DECIDE: Mapping[Hold, tuple[str, ...]] = {
    "parameters": ("model", "data"),
    "flops": ("model", "data", "trainer"),
    "tokens": ("data", "trainer"),
    "memory": ("model", "data", "trainer", "optimizer"),
    "time": ("model", "data", "trainer"),
}
"""The blocks of a spec that an amount depends on; whatever else is tuned cannot change it."""


def require_untouched(
    variants: Sequence[Variant], tries: Sequence[Settings], hold: Hold, amount: Amount, tolerance: float
) -> None:
    """Raises SpecError with the variants that one of the tries takes further from the target than the tolerance.

    variants: those that meet the budget. tries: choices of what is tuned. amount: of what is held; for time that of
    FLOPs, and then compared with the variant's own: timings are too rough to tell a try from another.
    """
    problems = [problem for variant in variants for problem in _moved(variant, tries, hold, amount, tolerance)]
    if problems:
        raise SpecError(problems)


def _moved(
    variant: Variant, tries: Sequence[Settings], hold: Hold, amount: Amount, tolerance: float
) -> Iterator[Problem]:
    """The first of the tries, or of the settings in them, that moves a variant, if any does."""
    # one by one too: what two settings change may cancel out where they are tried together
    every = [*([setting] for tried in tries for setting in tried), *tries]
    decisive = [[(path, value) for path, value in tried if path.split(".")[0] in DECIDE[hold]] for tried in every]
    if not any(decisive) or variant.held is None:
        return
    counted: Hold = "flops" if hold == "time" else hold
    meant = amount(variant.settings, variant.label) if hold == "time" else variant.held.target
    for tried in filter(None, decisive):
        try:
            found = amount((*variant.settings, *tried), variant.label)
        except SpecError:
            # settings that do not go together are told of where tries are checked
            continue
        if abs(found - meant) > tolerance * meant:
            chosen = ", ".join(f"{path} = {shown(value)}" for path, value in tried)
            words = f"{amount_in_words(counted, found)} instead of {amount_in_words(counted, meant)}"
            message = f"with {chosen}, [{variant.label}] has {words}: a budget cannot be held over what is tuned"
            yield Problem("sweep.tune", message)
            return
