"""Which combinations can be trained: each is checked as a spec of its own, before anything is built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from experiments.sweep.combinations import Combination
from experiments.sweep.findings import Findings, in_variants
from experiments.sweep.specs import Specs
from registry.errors import Path, Problem, SpecError
from registry.load import Incompatible


def can_be_trained(found: Findings, combinations: Sequence[Combination], specs: Specs) -> dict[str, str]:
    """The labels of those whose parts do not go together, with the reason.

    A value that is wrong in itself is a mistake, told once, where it is written, with the variants it is in. So is a
    combination that cannot work, if the sweep is `strict`.
    """
    impossible: dict[str, str] = {}
    wrong: dict[tuple[str, str], tuple[Problem, list[str]]] = {}
    for combination in combinations:
        try:
            specs.of(combination.settings, combination.label)
        except Incompatible as error:
            impossible[combination.label] = "; ".join(problem.message for problem in error.problems)
        except SpecError as error:
            for problem in error.problems:
                entry = wrong.setdefault((problem.path, problem.message), (_placed(found, combination, problem), []))
                entry[1].append(combination.label)
    found.problems += [in_variants(problem, labels, len(combinations)) for problem, labels in wrong.values()]
    if found.sweep["strict"]:
        for label, reason in impossible.items():
            found.say(("sweep", "strict"), f"[{label}] cannot be trained: {reason}")
    return impossible


def _placed(found: Findings, combination: Combination, problem: Problem) -> Problem:
    """The problem at the value of the combination that it is about, where that can be told."""
    at = _origin(problem.path, combination.origins.items())
    return problem if at is None else replace(problem, place=found.loaded.composed.place(at))


def _origin(path: str, origins: Iterable[tuple[str, Path]]) -> Path | None:
    """Where the setting stands that is, or holds, what is at a path."""
    holding = [(key, at) for key, at in origins if path == key or path.startswith(f"{key}.")]
    return max(holding, key=lambda item: len(item[0]))[1] if holding else None
