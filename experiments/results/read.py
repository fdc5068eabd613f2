"""From a folder to `SweepResults`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.results.fair import unequal
from experiments.results.lenient import read_json, text, whole
from experiments.results.origin import FILE
from experiments.results.plan import Metric, Plan, PlannedTrial, ResultsError, Variant, read_plan
from experiments.results.sweep import SweepResults
from experiments.results.trial import read_trial

TRIAL_FILES = ("state.json", "summary.json", "metrics.csv")


def read_results(folder: Path | str, *, curves: bool = True) -> SweepResults:
    """Read the folder of a sweep, of a single run, or of one trial.

    Without `curves` the metrics files are left alone. Missing and corrupt files are tolerated and listed in `problems`.
    Raises ResultsError where the folder holds nothing that this program wrote, or where a newer version of it wrote the
    plan.
    """
    root = Path(folder)
    if not is_sweep(root):
        if not is_trial(root):
            raise ResultsError(f"{root} holds no results: no plan.json, no trials/ and no state.json{runs_in(root)}")
        return _one_trial(root, curves)
    problems: list[str] = []
    plan = plan_of(root, problems)
    trials = tuple(read_trial(root, planned, problems, curves=curves) for planned in plan.trials)
    results = SweepResults(root, plan, trials, tuple(problems))
    return replace(results, problems=(*problems, *unequal(results)))


def is_sweep(root: Path) -> bool:
    """Whether the folder is that of a sweep. Raises ResultsError where there is no folder."""
    if not root.is_dir():
        raise ResultsError(f"{root} is not a folder")
    return (root / "plan.json").exists() or (root / "trials").is_dir()


def is_trial(root: Path) -> bool:
    """Whether the folder is that of a run or of one trial."""
    return any((root / name).exists() for name in TRIAL_FILES)


def plan_of(root: Path, problems: list[str]) -> Plan:
    """The plan of the sweep at `root`, with a variant for every trial; made of its trial folders where it has none."""
    raw = read_json(root / "plan.json", problems)
    return _plan_from_folders(root) if raw is None else complete(read_plan(raw, problems), problems)


def runs_in(folder: Path, most: int = 5) -> str:
    """The runs and sweeps in a folder, the latest first, as the end of a message; "" where there is none."""
    found = [str(run) for run in runs_below(folder)]
    more = ", ..." if len(found) > most else ""
    return f"; in it: {', '.join(found[:most])}{more}" if found else ""


def runs_below(folder: Path) -> list[Path]:
    """The runs and sweeps directly in a folder, those that changed last first."""
    marks = {path.parent: path for name in ("plan.json", "state.json") for path in folder.glob(f"*/{name}")}
    return sorted(marks, key=lambda run: (-changed(marks[run]), run.name))


def changed(path: Path) -> float:
    """When a file was last written, in seconds since 1970; 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _one_trial(root: Path, curves: bool) -> SweepResults:
    """A trial's own folder, seen as a sweep of one variant."""
    problems: list[str] = []
    summary = read_json(root / "summary.json", []) or {}
    planned = PlannedTrial(root.name, root.name, _seed(root, summary))
    trial = read_trial(root, planned, problems, folder=root, curves=curves)
    names = [*(trial.summary.metrics if trial.summary else ()), *trial.curves]
    plan = Plan(
        name=root.name,
        metric=Metric(_likely_metric(names)),
        seeds=(planned.seed,),
        variants=(Variant(root.name),),
        trials=(planned,),
    )
    return SweepResults(root, plan, (trial,), tuple(problems))


def _plan_from_folders(root: Path) -> Plan:
    """What can be said without a plan: one variant per trial folder."""
    folders = (
        sorted(path for path in (root / "trials").glob("*") if path.is_dir()) if (root / "trials").is_dir() else []
    )
    summaries: dict[str, dict[str, Any]] = {path.name: read_json(path / "summary.json", []) or {} for path in folders}
    trials = tuple(PlannedTrial(path.name, path.name, _seed(path, summaries[path.name])) for path in folders)
    names = [name for raw in summaries.values() for name in (raw.get("metrics") or {})]
    return Plan(
        name=root.name,
        metric=Metric(_likely_metric(names)),
        seeds=tuple(sorted({trial.seed for trial in trials})),
        variants=tuple(Variant(trial.variant) for trial in trials),
        trials=trials,
    )


def _seed(folder: Path, summary: Mapping[str, Any]) -> int:
    """Of a trial without a plan: what it was trained by says so from its start, its summary at its end."""
    said = (whole(raw.get("seed")) for raw in (summary, read_json(folder / FILE, []) or {}))
    return next((seed for seed in said if seed is not None), 0)


def complete(plan: Plan, problems: list[str]) -> Plan:
    """The plan with a variant for every trial, so that no trial goes unseen."""
    known = {variant.label for variant in plan.variants}
    unknown = [label for label in dict.fromkeys(trial.variant for trial in plan.trials) if label not in known]
    if not unknown:
        return plan
    problems.append(f"plan.json has trials of variants that it does not list: {', '.join(map(text, unknown))}")
    return Plan(**{**vars(plan), "variants": (*plan.variants, *map(Variant, unknown))})


def _likely_metric(names: list[str]) -> str:
    return next((name for name in ("valid/bits_per_byte", "valid/loss", "train/loss") if name in names), "valid/loss")
