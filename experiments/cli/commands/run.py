"""`swapformer run`: train one spec."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.cli.folders import claim, out_option, run_name
from experiments.cli.options import load_spec, spec_options

if TYPE_CHECKING:
    from rich.progress import Progress

    from experiments.data import Data


@click.command("run")
@spec_options
@out_option
def command(spec: str, overrides: tuple[str, ...], plugins: tuple[str, ...], trust: bool, out: str) -> None:
    """Train the model of SPEC; the same command continues an interrupted run, or shows a finished one.

    Settings may be changed on the way: swapformer run demo model.attention=performer trainer.max_steps=500

    A `sweep:` in the spec is left alone; `swapformer sweep` trains its variants. Ctrl-C saves and stops.
    """
    loaded = load_spec(spec, overrides, plugins, trust)
    from experiments.start.placing import placed
    from experiments.trial_spec import alone, require_training, trial_id

    require_training(loaded.full)
    loaded = placed(loaded)
    from experiments.making import PartsMaker, filled, make_data
    from experiments.measure import facts
    from experiments.provenance import recorded
    from experiments.start.settling import settled
    from experiments.training.places import outside
    from experiments.training.trial import exit_code, read_summary, run_trial
    from registry.assembly import dry_run

    data = make_data(loaded.full, loaded.catalog)
    data.prepare()
    full = filled(loaded.full, data)
    dry_run(full["model"], loaded.catalog)
    full = settled(full, loaded.catalog, loaded.plugins)
    folder = Path(out) / f"{run_name(spec, loaded)}-{trial_id(full)[:8]}"
    place, build_parts = outside(full["trainer"]), PartsMaker(loaded.plugins)
    if place is not None and place.rank > 0:
        # the first process does everything else, talking included
        raise SystemExit(exit_code(run_trial(alone(full), folder, build_parts=build_parts, place=place)))
    claim(folder)
    click.echo(f"{full['model']['topology']} on {data.about()['about']}; folder {folder}")
    # with others waiting, they must be told too
    if place is None and (done := read_summary(folder)) is not None:
        click.echo("trained before: nothing is left to do")
        _tell(done, folder, data)
        raise SystemExit(exit_code(done))
    with _bar() as progress, recorded(folder, full["seed"], plugins):
        bar = progress.add_task("", total=full["trainer"]["max_steps"], loss="", rate="")
        summary = run_trial(
            alone(full),
            folder,
            build_parts=build_parts,
            on_progress=lambda event: _show(event, progress, bar),
            measure=lambda model: facts(model, data.positions(full["model"]), full, loaded.catalog),
            place=place,
        )
    _tell(summary, folder, data)
    raise SystemExit(exit_code(summary))


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("step"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[loss]} {task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
    )


def _show(event: dict[str, Any], progress: Progress, bar: Any) -> None:
    match event["event"]:
        case "step":
            loss, rate = f"loss {event['loss']:.3f}", event["steps_per_second"]
            progress.update(
                bar,
                completed=event["step"],
                total=event["max_steps"],
                loss=loss,
                rate="" if rate is None else f"{rate:.1f} steps/s",
            )
        case "valid":
            values = ", ".join(f"{name.removeprefix('valid/')} {value:.4g}" for name, value in event["metrics"].items())
            progress.update(bar, completed=event["step"])
            _line(progress, f"step {event['step']}: valid {values}")
        case "note":
            _line(progress, event["text"])


def _line(progress: Progress, text: str) -> None:
    # in a log, a line stays one whatever the width
    progress.console.print(text, highlight=False, soft_wrap=not progress.console.is_terminal)


def _tell(summary: dict[str, Any], folder: Path, data: Data) -> None:
    from experiments.results.words import duration

    seconds = summary.get("train_seconds")
    took = f" after {summary['steps']} steps, {duration(seconds)} of training" if seconds else ""
    click.echo(f"{summary['status']}{took}" + (f": {summary['reason']}" if summary.get("reason") else ""))
    for name, value in summary.get("metrics", {}).items():
        click.echo(f"  {name} {value:.5g}")
    if summary["status"] == "finished":
        click.echo(f"next: swapformer report {folder}")
        writes = data.provides & {"running text", "pairs", "text tasks"}
        click.echo(f'      swapformer {"generate" if writes else "predict"} {folder} "..."')
    elif summary["status"] == "interrupted":
        click.echo("saved; the same command continues")
