"""Attention maps of a sweep's trained models, for its report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from experiments.report.attention import AttentionMaps, Picture
from experiments.results import SweepResults, Trial
from registry.errors import did_you_mean

MOST_VARIANTS = 4
"""So many are shown unless they are named: the first of the ranking, and the baseline."""


def trial_maps(
    results: SweepResults, text: str, labels: Sequence[str] = (), *, limit: int = 128, plugins: tuple[str, ...] = ()
) -> list[AttentionMaps]:
    """What the best trial of each variant attends to while it reads `text`.

    labels: of variants. limit: the most tokens. Raises UsageError for a label that there is not, a variant without a
    trained model, or a text that no model can read; a model of another kind than the first says why it is not shown.
    """
    from experiments.attention_maps.picture import draw_picture
    from experiments.attention_maps.reading import read
    from experiments.attention_maps.vocabulary import RunVocabulary
    from experiments.trained import load_trained

    maps: list[AttentionMaps] = []
    refused: list[str] = []
    for trial in _trials(results, labels):
        trained = load_trained(trial.folder, plugins)
        try:
            reading = read(trained.model, RunVocabulary(trained.data), text, limit=limit)
        except ValueError as error:
            refused.append(f"{trial.variant}: {error}")
            maps.append(AttentionMaps(trial.variant, trial.seed, text, (), (str(error),)))
            continue
        shown = [stack for stack in reading.stacks if any(layer.weights is not None for layer in stack.layers)]
        pictures = [
            Picture(
                draw_picture(reading, stack, text), f"attention maps of the {stack.name} of {trial.variant}, every head"
            )
            for stack in shown
        ]
        silent = [
            f"{stack.name}, layer {layer.layer}: {layer.why}"
            for stack in reading.stacks
            for layer in stack.layers
            if layer.weights is None
        ]
        maps.append(AttentionMaps(trial.variant, trial.seed, text, pictures, silent))
    if maps and len(refused) == len(maps):
        raise click.UsageError(f"no model can read this text; {refused[0]}")
    return maps


def _trials(results: SweepResults, labels: Sequence[str]) -> list[Trial]:
    """The best finished trial of each variant that has a checkpoint."""
    known = [variant.label for variant in results.plan.variants]
    for label in labels:
        if label not in known:
            hint = did_you_mean(label, known) or f" Variants: {', '.join(known[:12])}."
            raise click.UsageError(f"there is no variant '{label}'.{hint}")
    ranked = [row.label for row in results.ranked]
    base = [results.baseline.label] if results.baseline and results.baseline.rank else []
    chosen = labels or list(dict.fromkeys([*ranked[: MOST_VARIANTS - len(base)], *base]))
    found = [(label, _best(results, results.compared, label)) for label in chosen]
    if missing := [label for label, trial in found if trial is None]:
        raise click.UsageError(f"variant '{missing[0]}' has no trained model to look at")
    if not found:
        raise click.UsageError(f"{results.folder}: no trial has finished, so there is no model to look at")
    return [trial for _, trial in found if trial is not None]


def _best(results: SweepResults, trials: Iterable[Trial], label: str) -> Trial | None:
    name, order = results.plan.metric.name, results.plan.metric.order
    own = [trial for trial in trials if trial.variant == label and _has_model(trial.folder)]
    scored = [(order(value), trial) for trial in own if (value := trial.value(name)) is not None]
    return min(scored, key=lambda pair: pair[0])[1] if scored else None


def _has_model(folder: Path) -> bool:
    return (folder / "spec.yaml").is_file() and (folder / "checkpoints").is_dir()
