"""`swapformer sweep`: train every variant and rank them."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.cli.folders import claim, out_option, run_name
from experiments.cli.options import load_spec, spec_options


@click.command("sweep")
@spec_options
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Train at most the first N trials of the plan.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop: nothing is trained or written.")
@out_option
def command(
    spec: str,
    overrides: tuple[str, ...],
    plugins: tuple[str, ...],
    trust: bool,
    limit: int | None,
    dry_run: bool,
    out: str,
) -> None:
    """Train every variant of the `sweep:` of SPEC with every seed, then rank them and write report.html.

    The same command continues an interrupted sweep: what is finished is never trained again. Ctrl-C lets every trial
    save and stop; a second one stops at once.
    """
    loaded = load_spec(spec, overrides, plugins, trust)
    from experiments.sweep.plan import make_plan

    plan = make_plan(loaded)
    from experiments.cli.building import build_variants
    from experiments.display import ranked_table, show_plan
    from experiments.report import build_report
    from experiments.results import read_results
    from experiments.results.plan import read_plan
    from experiments.results.words import times
    from experiments.sweep.coordinate import run_sweep
    from experiments.sweep.trials import describe_plan, prepare, write_plan
    from experiments.training.folder_lock import only_one

    trials = prepare(loaded, plan)
    # the specs of the trials have their sizes already; one seed of a variant is enough
    build_variants({trial.variant.label: trial.spec for trial in trials}, loaded.catalog)
    folder = Path(out) / run_name(spec, loaded)
    content = describe_plan(folder, loaded, plan, trials, spec)
    show_plan(read_plan(content, []))
    if dry_run:
        return
    claim(folder)
    with only_one(folder, "another sweep is running here"):
        if dropped := write_plan(folder, content):
            trials_left = f"{times(dropped, 'trial')} of the earlier one stay in the folder"
            click.echo(f"note: the plan has changed; {trials_left}, and are not ranked", err=True)
        code = run_sweep(folder, loaded, plan, trials, limit)
    page = build_report(folder)
    ranked_table(read_results(folder))
    click.echo(f"report: {page}")
    if limit is not None and limit < len(trials) and code <= 128:
        more = times(len(trials) - limit, "more trial")
        click.echo(f"{more} in the plan: the same command without --limit trains them")
    if code > 128:
        click.echo("interrupted: what was trained is saved, the same command continues")
    raise SystemExit(code)
