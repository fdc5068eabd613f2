"""What can be wrong with what a `sweep:` block varies: axes, zip, random, variants, overrides, exclude."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.sweep.axes import Factor, axis_of, factors_of, space_of
from experiments.sweep.combinations import in_order
from experiments.sweep.draws import different
from experiments.sweep.findings import Findings, key_of
from experiments.sweep.labels import DOES_NOT_APPLY, same
from experiments.sweep.reach import fault, paths
from registry.errors import Path, did_you_mean, quoted


def find_axis_mistakes(found: Findings) -> list[Factor]:
    """Collects the mistakes; returns the factors of the combinations, none where they cannot be told."""
    sweep = found.sweep
    if all(not sweep[name] for name in ("axes", "zip", "random", "variants")):
        found.say(("sweep", "axes"), "names no axis; axes, zip, random and variants say what is compared")
    for path, axis in (sweep["axes"] or {}).items():
        _axis(found, ("sweep", "axes", path), path, axis)
    for number, group in enumerate(sweep["zip"] or []):
        _zipped(found, ("sweep", "zip", number), group)
    if sweep["random"] is not None:
        _random(found, sweep["random"])
    if sweep["variants"] is not None:
        _named(found, sweep["variants"])
    if found.problems:
        return []
    factors = factors_of(sweep)
    _told_apart(found, factors)
    _conditions(found, {path: factor for factor in factors for path in factor.values})
    try:
        in_order(factors)
    except ValueError as error:
        found.say(("sweep", "axes"), f"the conditions of {error} lead in a circle")
    return factors


def _axis(found: Findings, at: Path, path: str, axis: Any) -> None:
    found.varied(at, path)
    if isinstance(axis, list):
        found.values(at, axis)
        return
    found.values((*at, "values"), axis["values"])
    if axis["when"] == {}:
        found.say((*at, "when"), "names no condition; leave it out to vary the axis everywhere")
    labels = axis["labels"]
    if labels is None:
        return
    if len(labels) != len(axis["values"]):
        found.say((*at, "labels"), f"there are {len(labels)} labels for {len(axis['values'])} values")
    for number, name in enumerate(labels):
        if name in labels[:number]:
            found.say((*at, "labels", number), f"{quoted(name)} is the label of two values")
        elif not name.strip() or name == DOES_NOT_APPLY:
            found.say((*at, "labels", number), "a label is a word or more")


def _zipped(found: Findings, at: Path, group: Mapping[str, Sequence[Any]]) -> None:
    if not group:
        found.say(at, "names no setting")
        return
    for path, values in group.items():
        found.varied((*at, path), path)
        if not values:
            found.say((*at, path), "has no values")
    first, *others = group.items()
    for path, values in others:
        if len(values) != len(first[1]):
            lengths = f"{path} has {len(values)}, {first[0]} has {len(first[1])}"
            found.say((*at, path), f"lists that are zipped need equally many values: {lengths}")
    rows = [key_of(row) for row in zip(*group.values(), strict=False)]
    if len(set(rows)) < len(rows):
        found.say(at, "names the same values twice")


def _random(found: Findings, random: Mapping[str, Any]) -> None:
    at: Path = ("sweep", "random", "settings")
    if not random["settings"]:
        found.say(at, "names no setting")
    # all are looked at, not only up to the first mistake
    fine = [found.varied((*at, p), p) & found.source((*at, p), source) for p, source in random["settings"].items()]
    if all(fine) and fine:
        enough(found, ("sweep", "random", "draws"), random["settings"], random["draws"])


def enough(found: Findings, at: Path, settings: Mapping[str, Any], number: int) -> None:
    """There must be as many different choices as are asked for."""
    if (most := different(space_of(settings))) < number:
        found.say(at, f"asks for {number}, but there are only {most:g} different ones")


def _named(found: Findings, variants: Mapping[str, Mapping[str, Any]]) -> None:
    if not variants:
        found.say(("sweep", "variants"), "names no variant")
    for name, settings in variants.items():
        for path in settings:
            found.setting(("sweep", "variants", name, path), path)


def _conditions(found: Findings, factors: Mapping[str, Factor]) -> None:
    sweep = found.sweep
    for path, axis in (sweep["axes"] or {}).items():
        _when(found, ("sweep", "axes", path, "when"), axis_of(path, axis).when, factors)
    for number, override in enumerate(sweep["overrides"] or []):
        at: Path = ("sweep", "overrides", number)
        if not override["when"]:
            found.say((*at, "when"), "names no condition; what holds for all variants belongs into the spec itself")
        if not override["set"]:
            found.say((*at, "set"), "sets nothing")
        _when(found, (*at, "when"), override["when"], factors)
        for path in override["set"]:
            found.setting((*at, "set", path), path)
    for number, rule in enumerate(sweep["exclude"] or []):
        if not rule:
            found.say(("sweep", "exclude", number), "names no axis, so it would leave out everything")
        for path, wanted in rule.items():
            if path not in factors:
                found.say(("sweep", "exclude", number, path), no_axis(path, factors), key=True)
            else:
                _known(found, ("sweep", "exclude", number, path), path, wanted, factors[path])


def _when(found: Findings, at: Path, when: Mapping[str, Any], factors: Mapping[str, Factor]) -> None:
    for path, wanted in when.items():
        if path in factors:
            _known(found, (*at, path), path, wanted, factors[path])
        elif (why := fault(found.full, path)) is not None:
            hint = did_you_mean(path, [*factors, *paths(found.full)]) if why.startswith("hits") else ""
            found.say((*at, path), f"is no axis and no setting of a trial.{hint}", key=True)


def _known(found: Findings, at: Path, path: str, wanted: Any, factor: Factor) -> None:
    """Says which of the wanted values the axis does not have."""
    if not isinstance(wanted, list) or any(same(wanted, value) for value in factor.values[path]):
        items = [(at, wanted)]
    else:
        items = [((*at, number), item) for number, item in enumerate(wanted)]
    if not items:
        found.say(at, "names no value")
    for place, item in items:
        if not factor.knows(path, item):
            unknown_value(found, place, item, factor.labels[path])


def no_axis(path: str, axes: Iterable[str]) -> str:
    """That a path is no axis, and which one may be meant."""
    axes = list(axes)
    known = f" Axes: {', '.join(axes)}." if axes else ""
    return f"is no axis.{did_you_mean(path, axes) or known}"


def unknown_value(found: Findings, at: Path, value: Any, labels: Sequence[str]) -> None:
    """Says that a value is none of an axis."""
    named = list(dict.fromkeys(labels))
    hint = did_you_mean(value, named) if isinstance(value, str) else ""
    found.say(at, f"is none of the axis' values: {', '.join(named)}{hint and f'.{hint}'}")


def _told_apart(found: Findings, factors: Sequence[Factor]) -> None:
    """Different values need different labels."""
    for factor in factors:
        for path, values in factor.values.items():
            called: dict[str, Any] = {}
            for step, (name, value) in enumerate(zip(factor.labels[path], values, strict=True)):
                if not same(called.setdefault(name, value), value):
                    found.say(factor.place(path, step), f"{quoted(name)} would be the label of two values")
