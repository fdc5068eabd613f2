"""What a name on the command line stands for: the folder of a sweep, of a run, or a trial by the start of its id."""

from __future__ import annotations

from pathlib import Path

from experiments.results.plan import Plan, PlannedTrial, ResultsError
from experiments.results.read import is_sweep, is_trial, plan_of, read_results
from experiments.results.sweep import SweepResults
from experiments.results.trial import Trial, read_trial

_LISTED = 5


def find(name: Path, problems: list[str]) -> SweepResults | Trial:
    """The sweep or the trial that is meant; runs/demo/3f2a is the trial of runs/demo whose id starts with 3f2a.

    What cannot be read goes to `problems`. Raises ResultsError where nothing is there, or more than one trial.
    """
    sweep = _sweep_above(name)
    if sweep is not None:
        return _trial(sweep, name.name, problems)
    found = read_results(name, curves=False)
    problems += found.problems
    return found if is_sweep(name) else found.trials[0]


def _sweep_above(name: Path) -> Path | None:
    """The sweep that `name` would be a trial of; None if it is a folder of its own."""
    above = name.parent.parent if name.parent.name == "trials" else name.parent
    inside = name.parent.name == "trials" or not name.is_dir()
    return above if inside and above.is_dir() and is_sweep(above) and not _is_own(name, above) else None


def _is_own(name: Path, above: Path) -> bool:
    """Whether a folder in `trials` is one that the plan does not know, so that it can only be read by itself."""
    planned = any(trial.id == name.name for trial in plan_of(above, []).trials)
    return name.is_dir() and is_trial(name) and not planned


def _trial(sweep: Path, start: str, problems: list[str]) -> Trial:
    plan = plan_of(sweep, problems)
    matches = [trial for trial in plan.trials if trial.id.startswith(start)]
    exact = [trial for trial in matches if trial.id == start]
    if len(matches) != 1 and not exact:
        raise ResultsError(_not_one(sweep, start, matches, plan))
    return read_trial(sweep, (exact or matches)[0], problems, curves=False)


def _not_one(sweep: Path, start: str, matches: list[PlannedTrial], plan: Plan) -> str:
    listed = matches or plan.trials
    names = ", ".join(f"{trial.id} ({trial.variant}, seed {trial.seed})" for trial in listed[:_LISTED])
    more = ", ..." if len(listed) > _LISTED else ""
    if matches:
        return f"{len(matches)} trials of {sweep} start with '{start}': {names}{more}"
    return f"no trial of {sweep} starts with '{start}'; there are {names}{more}"
