"""Everything on record of each variant: what sets it apart, its trials, the ends of their logs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.results import SweepResults, Trial, VariantResult
from experiments.results.plan import metric_label
from experiments.results.words import MISSING, clean, count, duration, shorten, times
from registry.errors import SpecError
from registry.yaml_reader import read_yaml_text

# Of a log: the last lines, and no more than this of them.
LOG_LINES, LOG_BYTES = 30, 6_000
# Of resolved specs: of one, and of all together, so that the page of a large sweep stays light.
SPEC_CHARACTERS, ALL_SPECS = 20_000, 400_000
MOST_DIFFERENCES, MOST_METRICS = 60, 8
NOT_SET = "not set"


@dataclass(frozen=True)
class Setting:
    """A setting that differs from the baseline's; both as one line of text."""

    path: str
    baseline: str
    own: str


@dataclass(frozen=True)
class TrialRow:
    """cells: as many as the section has columns. log: the end of its log where it ended without a result."""

    trial: Trial
    cells: tuple[str, ...]
    log: str


@dataclass(frozen=True)
class Section:
    """place: of the variant in the plan. differences: None where a spec is missing or broken, which `note` says."""

    row: VariantResult
    place: int
    differences: tuple[Setting, ...] | None
    note: str
    columns: tuple[str, ...]
    trials: tuple[TrialRow, ...]
    spec: str


def sections(results: SweepResults) -> list[Section]:
    """A section for each variant, in the order of the ranking."""
    baseline = results.baseline
    reference = _settings(_spec_of(baseline)) if baseline else None
    places = {variant.label: place for place, variant in enumerate(results.plan.variants)}
    columns = _columns(results)
    room = ALL_SPECS
    found = []
    for row in results.ranking:
        text = _spec_of(row)
        own = reference if row is baseline else _settings(text)
        differences, note = _differences(row, reference, own, has_baseline=baseline is not None)
        # its tries, too: nothing that was trained stays unseen
        trials = [trial for trial in results.trials if trial.variant == row.label]
        rows = tuple(TrialRow(trial, tuple(_cells(trial, columns)), _log(trial)) for trial in trials)
        shown = beginning("\n".join(map(clean, text.splitlines())), min(SPEC_CHARACTERS, room))
        room -= len(shown)
        found.append(Section(row, places[row.label], differences, note, tuple(columns.values()), rows, shown))
    return found


def _columns(results: SweepResults) -> dict[str, str]:
    """What a trial is shown with: metrics by name, then costs; key -> heading."""
    names = [*results.metrics]
    tried = (t.summary.metrics for t in results.trials if t.stage == "tune" and t.summary)
    names += [name for metrics in tried for name in metrics]
    return {name: clean(metric_label(name)) for name in [*dict.fromkeys(names)][:MOST_METRICS]}


def _cells(trial: Trial, columns: Mapping[str, str]) -> Iterator[str]:
    summary = trial.summary
    for name in columns:
        value = summary.metrics.get(name) if summary else None
        yield MISSING if value is None or not math.isfinite(value) else f"{value:.5g}"
    yield duration(summary.train_seconds if summary else None)
    yield count(summary.tokens_per_second if summary else None)
    yield MISSING if not summary or summary.peak_memory_mb is None else f"{summary.peak_memory_mb:.0f} MB"
    yield str(trial.origin.number) if trial.origin.number else MISSING


def _spec_of(row: VariantResult) -> str:
    return next((text for trial in row.trials if (text := trial.spec_text())), "")


def _settings(text: str) -> dict[str, str] | None:
    """Every setting of a spec, dotted path -> value as one line; None for a text that is no spec."""
    try:
        value = read_yaml_text(text).value if text else None
    except SpecError:
        return None
    if not isinstance(value, dict):
        return None
    return dict(_flat(value, ""))


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, entry in value.items():
            yield from _flat(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        for place, entry in enumerate(value):
            yield from _flat(entry, f"{path}.{place}")
    else:
        yield path, _words(value)


def _words(value: object) -> str:
    plain = "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return shorten(clean(plain), 120)


def _differences(
    row: VariantResult, reference: dict[str, str] | None, own: dict[str, str] | None, *, has_baseline: bool
) -> tuple[tuple[Setting, ...] | None, str]:
    if row.is_baseline:
        return (), "the baseline"
    if reference is None or own is None:
        # what the plan meant to set stands in for a spec that is not there
        meant = tuple(Setting(path, "", _words(value)) for path, value in row.variant.settings.items())
        why = "" if has_baseline else "no baseline to compare with"
        return (meant or None), why or "as planned: there is no readable spec on either side"
    paths = [path for path in dict.fromkeys([*reference, *own]) if reference.get(path) != own.get(path)]
    # names and seeds differ by design
    paths = [path for path in paths if path not in ("name", "seed", "about")]
    found = tuple(Setting(p, reference.get(p, NOT_SET), own.get(p, NOT_SET)) for p in paths[:MOST_DIFFERENCES])
    more = len(paths) - len(found)
    return found, f"and {times(more, 'setting')} more" if more else ""


def _log(trial: Trial) -> str:
    """The end of the log of a trial that ended without a result; empty for others and where there is none."""
    return log_tail(trial.folder / "log.txt") if trial.ended_without else ""


def log_tail(path: Path) -> str:
    """The last LOG_LINES lines of a file, read from its end."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            text = file.read(LOG_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(clean(line.expandtabs(4)) for line in text.splitlines()[-LOG_LINES:]).strip("\n")


def beginning(text: str, most: int) -> str:
    """The beginning of a text; what is left out is said."""
    return (
        text if len(text) <= most else f"{text[: max(0, most)]}\n# cut here: the whole of it is in the trial's folder\n"
    )
