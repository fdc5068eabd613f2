"""`swapformer profile`: what a model costs against sequence length."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from experiments.cli.folders import claim, out_option, run_name
from experiments.cli.options import load_spec, spec_options


class Lengths(click.ParamType[list[int]]):
    """Whole numbers between commas; `4k` is 4096."""

    name = "lengths"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        if isinstance(value, list):
            return value
        try:
            found = sorted({_length(word.strip()) for word in value.split(",")})
        except ValueError:
            self.fail(f"{value!r}: whole numbers between commas, as in 512,1k,4k", param, ctx)
        if found[0] < 2 or found[-1] > 2**20:
            self.fail(f"{value!r}: lengths are 2 to 1024k tokens", param, ctx)
        return found


class Axis(click.ParamType[tuple[str, list[Any]]]):
    """`path=value,value`, the values as in a spec."""

    name = "axis"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, list[Any]]:
        if isinstance(value, tuple):
            return value
        from registry.errors import SpecError
        from registry.yaml_reader import read_yaml_text

        path, _, values = value.partition("=")
        try:
            found: list[Any] = read_yaml_text(f"values: [{values}]").value["values"]
        except SpecError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        if not path or not found:
            self.fail(f"{value!r}: as in model.attention=full,performer", param, ctx)
        return path.strip(), found


@click.command("profile")
@spec_options
@click.option("--lengths", type=Lengths(), default="512,1k,2k,4k", show_default=True, help="Tokens in a sequence.")
@click.option(
    "--axes",
    "axes",
    type=Axis(),
    multiple=True,
    metavar="PATH=VALUE,...",
    help="Compare these values of a setting, as in model.attention=full,performer; again for one more setting.",
)
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Sequences at a time.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Their median counts.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    help="Leave out lengths at which one training step would take longer.",
)
@out_option
def command(
    spec: str,
    overrides: tuple[str, ...],
    plugins: tuple[str, ...],
    trust: bool,
    lengths: list[int],
    axes: tuple[tuple[str, list[Any]], ...],
    batch: int,
    rounds: int,
    seconds: float,
    out: str,
) -> None:
    """What the model of SPEC costs against sequence length: time, memory, decoding, and how each grows.

    \b
    swapformer profile demo --lengths 512,1k,2k,4k,8k \\
        --axes 'model.attention=full,{kind: longformer, window: 128},performer'

    Every figure is the median of several rounds, each measured in a process of its own with one thread, all models in
    turns. Writes profile.json and profile.svg into the run's folder, where `swapformer report` finds them. The `sweep:`
    of a spec is left alone.
    """
    loaded = load_spec(spec, overrides, plugins, trust)
    from experiments.cli.building import sized

    twice = [path for path, _ in axes if [p for p, _ in axes].count(path) > 1]
    if twice:
        raise click.UsageError(f"--axes {twice[0]} is given twice: put all its values into one")
    from datetime import UTC, datetime

    from experiments.atomic import write_json
    from experiments.console import console
    from experiments.display.profile_tables import show_profile
    from experiments.profile import profile, subjects
    from experiments.profile.picture import draw
    from experiments.provenance import environment
    from experiments.results.profile import PROFILE, Profile

    models, left_out = subjects(loaded, dict(axes), max(lengths), sized)
    folder = Path(out) / run_name(spec, loaded)
    claim(folder)
    for item in left_out:
        click.echo(f"note: {item.label} is left out: {item.reason}", err=True)
    costs = profile(
        models,
        lengths,
        catalog=loaded.catalog,
        plugins=loaded.plugins,
        batch=batch,
        rounds=rounds,
        seconds=seconds,
        tell=lambda line: click.echo(line, err=True),
    )
    found = Profile(
        tuple(costs),
        batch,
        datetime.now(UTC).isoformat(timespec="seconds"),
        shlex.join(["swapformer", *sys.argv[1:]]),
        {name: str(value) for name, value in environment().items()},
    )
    write_json(folder / PROFILE, found.content())
    show_profile(found, console())
    draw(found, folder / "profile.svg")
    click.echo(f"written: {folder / PROFILE}, {folder / 'profile.svg'}")


def _length(word: str) -> int:
    return int(word[:-1]) * 1024 if word.endswith("k") else int(word)
