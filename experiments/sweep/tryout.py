"""Whether what `tune:` may choose is right for every variant: each value and end of a distribution is checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.sweep.axes import space_of
from experiments.sweep.draws import Space
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
    for label, settings in variants.items():
        unfit: list[str] = []
        probes = _probes(space_of(tune))
        for probe in probes:
            try:
                specs.of((*settings, *probe.items()), label)
            except Incompatible as error:
                unfit += [problem.message for problem in error.problems]
            except SpecError as error:
                for problem in error.problems:
                    entry = wrong.setdefault((problem.path, problem.message), (problem, []))
                    if label not in entry[1]:
                        entry[1].append(label)
        if len(unfit) >= len(probes):
            found.say(("sweep", "tune"), f"[{label}] goes together with none of these settings: {unfit[0]}")
    for problem, labels in wrong.values():
        at = next((("sweep", "tune", path) for path in tune if problem.path.startswith(path)), ("sweep", "tune"))
        where = "" if problem.path == at[-1] else f"{problem.path}: "
        found.say(at, f"{where}{in_variants(problem, labels, len(variants)).message}")


def _probes(space: Space) -> list[dict[str, Any]]:
    """Choices that together have every value of a list and both ends of every distribution."""
    ends: dict[str, Sequence[Any]] = {
        path: source if isinstance(source, list) else (source.uniform or source.log_uniform or source.integers or [])
        for path, source in space.items()
    }
    most = max(map(len, ends.values()))
    return [{path: values[min(number, len(values) - 1)] for path, values in ends.items()} for number in range(most)]
