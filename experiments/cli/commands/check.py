"""`swapformer check`: every mistake of a spec, before anything is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experiments.cli.options import load_spec, spec_options
from registry.errors import Problem, SpecError

if TYPE_CHECKING:
    from experiments.sweep.plan import SweepPlan
    from registry.load import Loaded


@click.command("check")
@spec_options
@click.option("--build", "dry", is_flag=True, help="Also build each variant without computing, and meet the budget.")
def command(spec: str, overrides: tuple[str, ...], plugins: tuple[str, ...], trust: bool, dry: bool) -> None:
    """Find every mistake in SPEC, without training and without writing anything.

    Tells all problems together, each with its place; exit code 2 when there is one. SPEC is a file, a folder
    with a spec.yaml, or the name of a spec that ships (demo, gpt2-124m). a.b=VALUE changes a setting: model.dim=64,
    model.attention={kind: longformer, window: 64}.
    """
    loaded = load_spec(spec, overrides, plugins, trust)
    from experiments.start.placing import placed

    if gone := list(_missing_files(loaded)):
        raise SpecError(gone)
    if loaded.full["sweep"] is None:
        # variants may start from something else each, and are placed by the plan
        loaded = placed(loaded)
    plan: SweepPlan | None = None
    if loaded.full["sweep"] is not None:
        from experiments.sweep.plan import make_plan

        # a budget is met by building models; one of time by timing steps, which takes a while
        timed = (loaded.full["sweep"]["budget"] or {}).get("hold") == "time"
        tell = (lambda words: click.echo(words, err=True)) if timed else (lambda words: None)
        plan = make_plan(loaded, tell, meet_budget=dry)
    if dry:
        from experiments.cli.building import dry_build

        dry_build(loaded, plan)
    click.echo(f"{spec}: ok{', builds and runs' if dry else ''}")
    for line in [*_about(loaded.full), *_about_sweep(loaded, plan)]:
        click.echo(f"  {line}")


def _missing_files(loaded: Loaded) -> Iterator[Problem]:
    """The files of the user's own data that are not there; what is in those that are, `run` tells."""
    data = loaded.full["data"] or {}
    for split in ("train", "valid", "test"):
        name = data.get(split)
        if isinstance(name, str) and not (path := Path(name).expanduser()).exists():
            message = f"there is no such file (looked for {path.absolute()})"
            yield Problem(f"data.{split}", message, loaded.composed.place(("data", split)))


def _about(full: Mapping[str, Any]) -> Iterator[str]:
    """What the spec describes, in a line or two."""
    model = full["model"]
    sides = [model[side] for side in ("encoder", "decoder") if isinstance(model.get(side), Mapping)] or [model]
    layers = _all(_layers(side["layers"] or model["layers"]) for side in sides)
    kinds = [_kinds(model, sides, slot) for slot in ("attention", "position", "norm", "placement", "feedforward")]
    yield f"{model['topology']}, dim {model['dim']}, layers {layers}: {', '.join(kinds)}"
    task = [f"{name} {_kind(full[name])}" for name in ("data", "task") if full[name] is not None]
    trainer = full["trainer"]
    ends = [f"{trainer[name]} {name.removeprefix('max_')}" for name in ("max_steps", "max_epochs") if trainer[name]]
    if task:
        yield ", ".join([*task, *ends])


def _about_sweep(loaded: Loaded, plan: SweepPlan | None) -> Iterator[str]:
    """The plan of the sweep, as far as it is known before the data are read."""
    if plan is None:
        return
    from experiments.results.plan import read_plan
    from experiments.results.plan_words import (
        budget_in_words,
        held_in_words,
        overrides_in_words,
        size_in_words,
        too_few_seeds,
        tuning_in_words,
    )
    from experiments.results.words import clean, times
    from experiments.sweep.plan_facts import plan_facts

    facts = read_plan(plan_facts(loaded, plan), [])
    yield f"sweep: {size_in_words(facts).replace(':', ',', 1)}"
    for axis, values in facts.axes.items():
        yield f"  {clean(axis)}: {', '.join(map(clean, values))}"
    if facts.baseline_label is not None:
        yield f"  baseline: [{clean(facts.baseline_label)}]"
    for when, settings, variants in overrides_in_words(facts):
        yield f"  where {when}: {settings} ({variants})"
    if facts.budget is not None:
        yield f"held equal: {budget_in_words(facts)}"
        for variant in facts.variants:
            value, off = held_in_words(variant.held) if variant.held else ("", "")
            yield f"  [{clean(variant.label)}] {value}, {off}"
    elif (budget := loaded.full["sweep"]["budget"]) is not None:
        yield f"held equal: {budget['hold']}, by {budget['by']}; `--build` solves for it in each variant"
    if facts.tuning is not None:
        yield f"tuned before: {tuning_in_words(facts.tuning)}"
        for path, space in facts.tuning.space.items():
            yield f"  {clean(path)}: {clean(space)}"
    if facts.left_out:
        yield f"{times(len(facts.left_out), 'combination')} left out"
        for reason, labels in facts.left_out_by_reason.items():
            yield f"  {', '.join(f'[{clean(label)}]' for label in labels)}: {clean(reason)}"
    for caveat in facts.caveats:
        yield f"note on {', '.join(f'[{clean(label)}]' for label in caveat.variants)}: {clean(caveat.words)}"
    if note := too_few_seeds(facts):
        yield f"note: {note}"


def _kind(block: Mapping[str, Any]) -> str:
    return str(block["kind"])


def _kinds(model: Mapping[str, Any], sides: Sequence[Mapping[str, Any]], slot: str) -> str:
    """What the layers have in a slot: a type of layer comes before its stack, and that before the model."""
    types = model["layer_types"] or {}
    return _all(
        _kind(types.get(name, {}).get(slot) or side[slot] or model[slot])
        for side in sides
        for name in _types(side["layers"] or model["layers"])
    )


def _all(words: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(words))


def _types(layers: Any) -> list[str]:
    """Names of the types of layers; one that is no type's where all layers are alike."""
    names = layers["pattern"] if isinstance(layers, Mapping) else layers
    return names if isinstance(names, list) else [""]


def _layers(layers: Any) -> str:
    if isinstance(layers, Mapping):
        return f"{layers['count']} of [{', '.join(layers['pattern'])}]"
    return f"[{', '.join(layers)}]" if isinstance(layers, list) else str(layers)
