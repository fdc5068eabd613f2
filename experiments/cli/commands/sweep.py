"""`swapformer sweep`: train every variant and rank them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from experiments.cli.folders import claimed, out_option, run_name
from experiments.cli.options import load_spec, spec_options

if TYPE_CHECKING:
    from experiments.sweep.ledger import Ledger
    from experiments.sweep.rounds import Rounds
    from experiments.sweep.trials import Trial
    from registry.load import Loaded


@dataclass(frozen=True)
class Asked:
    """The options that say how to go about it."""

    limit: int | None
    dry_run: bool
    retry_failed: bool
    accept_changes: bool
    engine: Literal["local", "ray"]
    address: str | None


@click.command("sweep")
@spec_options
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Train at most the first N trials of the plan.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop: nothing is trained or written.")
@click.option("--retry-failed", is_flag=True, help="Train those that failed or diverged before once more.")
@click.option(
    "--accept-changes",
    is_flag=True,
    help="Go on although the spec has changed: trials that it changes are trained anew, others keep their results.",
)
@click.option("--watch", is_flag=True, help="If this sweep is running already, show how it goes until it ends.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where trials run: as processes of this machine, or on the nodes of a Ray cluster.",
)
@click.option("--address", metavar="ADDRESS", help="Of the Ray cluster; without it, one is started on this machine.")
@out_option
def command(
    spec: str,
    overrides: tuple[str, ...],
    plugins: tuple[str, ...],
    trust: bool,
    watch: bool,
    out: str,
    **options: Any,
) -> None:
    """Train every variant of the `sweep:` of SPEC with every seed, then rank them and write report.html.

    The same command continues an interrupted sweep: what is finished is never trained again. Ctrl-C lets every trial
    save and stop; a second one stops at once. DIR/NAME is the sweep's folder, NAME being the spec's.

    Exit code: 0 when all trials have finished, 2 for a mistake in the spec, 3 when a trial failed or diverged, 4 when
    somebody else works in the folder, 128 + N after signal N.
    """
    asked = Asked(**options)
    if asked.address is not None and asked.engine != "ray":
        raise click.UsageError("--address goes with --engine ray")
    loaded = load_spec(spec, overrides, plugins, trust)
    folder = Path(out) / run_name(spec, loaded)
    with ExitStack() as held:
        if not asked.dry_run:
            from experiments.training.errors import Busy

            # before anything slow is imported, so that a second sweep is refused at once
            try:
                held.enter_context(claimed(folder, "another sweep is running here"))
            except Busy as busy:
                if not watch:
                    raise
                click.echo(busy)
                from experiments.display.watch import watch as show_until_it_ends

                show_until_it_ends(folder)
                return
        raise SystemExit(_sweep(spec, folder, loaded, asked))


def _sweep(spec: str, folder: Path, loaded: Loaded, asked: Asked) -> int:
    """Plan, train and rank in a folder that is ours. Returns the exit code."""
    from experiments.cli.building import build_variants
    from experiments.display import show_plan
    from experiments.results.plan import read_plan
    from experiments.sweep.changes import changes
    from experiments.sweep.coordinate import Orders, run_sweep
    from experiments.sweep.engines import engine_maker
    from experiments.sweep.ledger import Ledger
    from experiments.sweep.plan import make_plan
    from experiments.sweep.plan_file import describe_plan
    from experiments.sweep.rounds import Rounds
    from experiments.sweep.trials import Trials
    from experiments.sweep_options import Limits

    plan = make_plan(loaded, _tell, remembered=folder / "timings.json", keep=not asked.dry_run)
    trials = Trials(loaded, plan)
    rounds = Rounds(plan, trials, loaded)
    # with the sizes that the data know; one seed of a variant is enough
    specs = {variant.label: trials.make(variant, plan.first_seeds[0]).spec for variant in plan.variants}
    build_variants(specs, loaded.catalog)
    engine = engine_maker(asked.engine, asked.address, loaded.full, specs.values())
    ledger = Ledger(folder, rounds)

    def describe(wanted: list[Trial]) -> dict[str, Any]:
        # with all of the spec, so that it can be told what another one changes
        return {**describe_plan(folder, loaded, plan, wanted, spec), "spec": loaded.full}

    content = read_plan(describe(ledger.wanted), [])
    show_plan(content)
    for line in rounds.describe():
        click.echo(line)
    changed = changes(folder, loaded, plan, trials, ledger.wanted)
    if changed is not None:
        if not (asked.accept_changes or asked.dry_run):
            changed.refuse(folder, loaded)
        for note in changed.notes:
            _tell(f"note: {note}")
    if asked.dry_run:
        return 0
    limits = Limits(**loaded.full["sweep"]["limits"])
    orders = Orders(content.metric, limits, loaded.plugins, describe, engine, asked.limit, asked.retry_failed)
    code = run_sweep(folder, ledger, orders)
    _show(folder, ledger, rounds, asked.limit if code <= 128 else None)
    if code > 128:
        click.echo("interrupted: what was trained is saved, the same command continues")
    return code


def _show(folder: Path, ledger: Ledger, rounds: Rounds, limit: int | None) -> None:
    """The ranking, the page, and what one may want to do next."""
    from experiments.display import ranked_table
    from experiments.report import build_report
    from experiments.results import read_results
    from experiments.results.words import times

    page = build_report(folder)
    ranked_table(read_results(folder))
    click.echo(f"report: {page}")
    for label, trouble in rounds.troubles.items():
        click.echo(f"{label}: {trouble}")
    if limit is not None and (more := len(ledger.left)):
        click.echo(f"{times(more, 'more trial')} in the plan: the same command without --limit trains them")
    if ledger.bad:
        click.echo("the same command with --retry-failed trains those once more that came to nothing")


def _tell(words: str) -> None:
    click.echo(words, err=True)
