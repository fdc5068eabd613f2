"""The variant that all others are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.sweep.axes import Factor
from experiments.sweep.axis_mistakes import no_axis, unknown_value
from experiments.sweep.combinations import Combination
from experiments.sweep.findings import Findings
from registry.errors import Path, did_you_mean, quoted

AT: Path = ("sweep", "baseline")


def find_baseline(
    found: Findings, factors: Mapping[str, Factor], combinations: Sequence[Combination], left_out: Mapping[str, str]
) -> str | None:
    """The label of the baseline, None where the spec names none or one that is a mistake.

    combinations: all of them, those that are left out too. left_out: label -> reason.
    """
    wanted = found.sweep["baseline"]
    if wanted is None:
        return None
    earlier = len(found.problems)
    label = _by_name(found, wanted) if isinstance(wanted, str) else _by_values(found, wanted, factors, combinations)
    if len(found.problems) > earlier:
        return None
    if label is not None and label in left_out:
        found.say(AT, f"is left out of the sweep: {left_out[label]}")
    return label


def _by_name(found: Findings, name: str) -> str | None:
    names = list(found.sweep["variants"] or {})
    if name in names:
        return name
    message = f"{quoted(name)} is none of `variants`: {', '.join(names) or 'there are none'}"
    found.say(AT, f"{message}.{did_you_mean(name, names)} A combination of axes is named as {{path: value, ...}}.")
    return None


def _by_values(
    found: Findings, wanted: Mapping[str, Any], factors: Mapping[str, Factor], combinations: Sequence[Combination]
) -> str | None:
    steps: dict[str, set[int]] = {}
    for path, value in wanted.items():
        if path not in factors:
            named = list(found.sweep["variants"] or {})
            instead = f" Name one of `variants`: {', '.join(named)}." if named and not factors else ""
            found.say((*AT, path), f"{no_axis(path, factors)}{instead}", key=True)
        elif not (picked := factors[path].picks(path, value)):
            unknown_value(found, (*AT, path), value, factors[path].labels[path])
        else:
            steps[path] = picked
    crossed = [c for c in combinations if all(c.steps.get(path) in picked for path, picked in steps.items())]
    missing = _missing(wanted, factors, crossed)
    for paths in missing:
        found.say(AT, f"must say a value for every axis; {paths} is missing")
    if missing or len(steps) < len(wanted):
        return None
    if not crossed:
        found.say(
            AT,
            "is no combination of the sweep: an axis that it names does not apply with the values of others, or values "
            "that are zipped do not belong together",
        )
    elif len(crossed) > 1:
        some = ", ".join(f"[{c.label}]" for c in crossed[:3])
        found.say(AT, f"fits {len(crossed)} variants, {some}{', ...' if len(crossed) > 3 else ''}: say which")
    return crossed[0].label if len(crossed) == 1 else None


def _missing(wanted: Mapping[str, Any], factors: Mapping[str, Factor], crossed: Sequence[Combination]) -> list[str]:
    """The axes that a baseline says nothing of although they apply to it; one path of a group is enough."""
    names = dict.fromkeys(tuple(factor.values) for factor in factors.values())
    return [
        " or ".join(paths)
        for paths in names
        if not any(path in wanted for path in paths) and any(paths[0] in c.steps for c in crossed)
    ]
