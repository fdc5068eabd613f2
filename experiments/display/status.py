"""How far runs and sweeps are, for a terminal that is not the one they run in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from experiments.console import table
from experiments.display.running_table import running_table
from experiments.display.sparkline import Trace
from experiments.display.tally import Running
from experiments.results.progress import FolderProgress, TrialProgress, summary_words
from experiments.results.trial import Trial
from experiments.results.words import MISSING, clean, duration, shorten


def show_status(progress: FolderProgress, console: Console) -> None:
    """State, counts, the trials at work, and what went wrong with the others."""
    console.print(drawn(progress, console), soft_wrap=not console.is_terminal)


def show_runs(all_of_them: Sequence[FolderProgress], console: Console) -> None:
    """One line for each run or sweep."""
    if not console.is_terminal:
        for progress in all_of_them:
            line = (
                f"{progress.folder}: {progress.state}; {summary_words(progress)}{time_left(progress)}{_best(progress)}"
            )
            console.print(Text(clean(line)), soft_wrap=True)
        return
    lines = table("run", "state", "trials", "best so far")
    lines.columns[0].overflow = "fold"
    for progress in all_of_them:
        state = progress.state.partition(" (")[0] + time_left(progress)
        bad = sum(progress.counts.get(word, 0) for word in ("failed", "diverged"))
        trials = f"{progress.done}/{progress.total} done" + (f", {bad} without a result" if bad else "")
        best = shorten(clean(_best(progress).removeprefix(", best: ")), 40)
        lines.add_row(Text(clean(str(progress.folder))), Text(state), Text(trials), Text(best))
    console.print(lines)


def as_json(progress: FolderProgress) -> dict[str, Any]:
    """The same for programs; times in seconds."""
    best = progress.results.best_trial
    holder = progress.holder
    return {
        "folder": str(progress.folder),
        "name": progress.results.plan.name,
        "kind": "sweep" if progress.sweep else "run",
        "state": progress.state.partition(" (")[0],
        "holder": {"pid": holder.pid, "host": holder.host, "since": holder.since} if holder else None,
        "total": progress.total,
        "done": progress.done,
        "counts": dict(progress.counts),
        "seconds_left": progress.seconds_left,
        "metric": progress.results.plan.metric.name,
        "best": {"trial": best.id, "value": best.value(progress.results.plan.metric.name)} if best else None,
        "begun": [
            {
                **_named(row.trial),
                "alive": row.alive,
                "step": row.trial.step,
                "max_steps": row.trial.max_steps,
                "loss": row.losses[-1] if row.losses and row.losses[-1] == row.losses[-1] else None,
                "steps_per_second": row.rate,
                "seconds_left": row.seconds_left,
                "silent_seconds": row.silent,
            }
            for row in progress.begun
        ],
        "failures": [
            {**_named(trial), "reason": trial.reason, "log": str(trial.folder / "log.txt")}
            for trial in progress.results.failures
        ],
    }


def _named(trial: Trial) -> dict[str, Any]:
    return {"trial": trial.id, "variant": trial.variant, "seed": trial.seed, "status": trial.status}


def drawn(progress: FolderProgress, console: Console) -> RenderableType:
    """The same as one thing to draw."""
    head = f"{clean(progress.results.plan.name)}: {clean(progress.state)}"
    parts: list[RenderableType] = [Text(head, style="bold"), Text(summary_words(progress) + time_left(progress))]
    if best := _best(progress):
        parts.append(Text(clean(best.removeprefix(", ")), style="green"))
    if console.is_terminal and progress.begun:
        parts.append(_begun_table(progress, console))
    else:
        parts += [Text(_begun_line(row)) for row in progress.begun]
    parts += [_failure(trial) for trial in progress.results.failures if trial.status != "interrupted"]
    if progress.holder is None and progress.done < progress.total:
        parts.append(Text(_way_on(progress), style="yellow"))
    return Group(*parts)


def _begun_table(progress: FolderProgress, console: Console) -> RenderableType:
    numbers = {trial.id: number for number, trial in enumerate(progress.results.trials, start=1)}
    rows = [_as_running(row, numbers[row.trial.id]) for row in progress.begun]
    ages = [_age(row) if row.alive else _idle(row.trial) for row in progress.begun]
    return running_table(rows, console, ages)


def _begun_line(row: TrialProgress) -> str:
    """The same as a line, however long, for pipes and logs."""
    trial = row.trial
    words = [f"step {trial.step} of {trial.max_steps}" if trial.max_steps else "starting"]
    words += [f"loss {row.losses[-1]:.3f}"] if row.losses else []
    if row.alive:
        words += [f"{row.rate:.1f} steps/s"] if row.rate else []
        words += [f"{duration(row.seconds_left)} left"] if row.seconds_left is not None else []
        words += [f"last sign of life {_age(row)}"]
    else:
        words += [_idle(trial)]
    return clean(f"[{trial.variant}, seed {trial.seed}] {', '.join(words)}")


def _age(row: TrialProgress) -> str:
    return MISSING if row.silent is None else f"{duration(row.silent)} ago"


def _as_running(row: TrialProgress, number: int) -> Running:
    trial, trace = row.trial, Trace()
    for loss in row.losses:
        trace.add(loss)
    shown = Running(number, trial.variant, trial.seed, 0.0, trial.step, trial.max_steps or 0, stage=trial.stage)
    shown.losses = trace
    shown.loss = row.losses[-1] if row.losses else None
    shown.rate = row.rate if row.alive else None
    return shown


def _idle(trial: Trial) -> str:
    """Why nobody works on it."""
    return "stopped" if trial.status == "running" else trial.status


def _failure(trial: Trial) -> Text:
    what = f"{trial.status}: {trial.reason or 'no reason given'}; log: {trial.folder / 'log.txt'}"
    return Text(clean(f"{shorten(trial.variant, 60)}, seed {trial.seed} {what}"), style="red")


def _way_on(progress: FolderProgress) -> str:
    command = progress.results.plan.command
    how = f"continue it by: {clean(command)}" if command else "the command that started it continues it"
    return f"nobody works on it; {how}"


def time_left(progress: FolderProgress) -> str:
    """The end of a line."""
    left = progress.seconds_left
    return "" if left is None else f", about {duration(left)} left"


def _best(progress: FolderProgress) -> str:
    metric, best = progress.results.plan.metric, progress.results.best_trial
    value = best.value(metric.name) if best else None
    if best is None or value is None:
        return ""
    return f", best: {metric.name} {value:.4f} ({best.variant or MISSING}, seed {best.seed})"
