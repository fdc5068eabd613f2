"""Whether what `tune:` may choose is right for every variant: each value and end of a distribution is checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from experiments.sweep.axes import space_of
from experiments.sweep.draws import Space, grid
from experiments.sweep.findings import Findings, in_variants
from experiments.sweep.settings import Settings
from experiments.sweep.specs import Specs
from registry.errors import Problem, SpecError
from registry.load import Incompatible


def try_out(found: Findings, variants: Mapping[str, Settings], specs: Specs) -> None:
    """Collects values that are wrong in themselves, and variants that go together with none. variants: by label."""
    tune = found.sweep["tune"]
    if not tune:
        return
    wrong: dict[tuple[str, str], tuple[Problem, list[str]]] = {}
    choices = probes(space_of(tune))
    for label, settings in variants.items():
        unfit: list[SpecError] = []
        for probe in choices:
            try:
                specs.of((*settings, *probe.items()), label)
            except Incompatible as error:
                unfit.append(error)
            except SpecError as error:
                for problem in error.problems:
                    entry = wrong.setdefault((problem.path, problem.message), (problem, []))
                    if label not in entry[1]:
                        entry[1].append(label)
        if len(unfit) == len(choices) and not _any_fits(space_of(tune), settings, label, specs):
            why = unfit[0].problems[0].message
            found.say(("sweep", "tune"), f"[{label}] goes together with none of these settings: {why}")
    for problem, labels in wrong.values():
        tuned = next((path for path in tune if f"{problem.path}.".startswith(f"{path}.")), None)
        at = ("sweep", "tune") if tuned is None else ("sweep", "tune", tuned)
        where = "" if problem.path == tuned else f"{problem.path}: "
        found.say(at, f"{where}{in_variants(problem, labels, len(variants)).message}")


def _any_fits(space: Space, settings: Settings, label: str, specs: Specs) -> bool:
    """Whether some combination of the lists goes together with a variant although those that were probed do not."""
    lists = {path: source for path, source in space.items() if isinstance(source, list)}
    for choice in grid(lists) if len(lists) == len(space) else []:
        with suppress(SpecError):
            specs.of((*settings, *choice.items()), label)
            return True
    return False


def probes(space: Space) -> list[dict[str, Any]]:
    """Choices that together have every value of a list and both ends of every distribution."""
    ends: dict[str, Sequence[Any]] = {
        path: source if isinstance(source, list) else (source.uniform or source.log_uniform or source.integers or [])
        for path, source in space.items()
    }
    most = max(map(len, ends.values()), default=0)
    return [{path: values[min(number, len(values) - 1)] for path, values in ends.items()} for number in range(most)]
