"""What can be wrong with the rest of a `sweep:` block: seeds, budget, tune, tuning, scaling."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.sweep.axis_mistakes import enough, no_axis
from experiments.sweep.findings import Findings
from experiments.sweep.labels import label
from experiments.sweep.reach import reaches
from experiments.sweep_options import AutoSeeds, seeds_of
from registry.errors import Path, dotted


def find_other_mistakes(found: Findings) -> None:
    """Collects the mistakes; those of what is varied have been found before."""
    _seeds(found)
    _budget(found)
    _scaling(found)
    if found.sweep["tune"] is None:
        if "tuning" in (found.loaded.composed.value["sweep"] or {}):
            found.say(("sweep", "tuning"), "there is nothing to tune: `tune:` names the settings", key=True)
        return
    _tune(found, found.sweep["tune"])
    _tuning(found, found.sweep["tune"], found.sweep["tuning"])


def _seeds(found: Findings) -> None:
    seeds, at = found.sweep["seeds"], ("sweep", "seeds")
    if seeds == []:
        found.say(at, "names no seed")
    if not isinstance(seeds, Mapping):
        return
    low, high = seeds["at_least"], seeds["at_most"]
    if low < 2:
        found.say((*at, "at_least"), "must be at least 2: the spread of one number is unknown")
    if low > high:
        # the one that was written, not the one that was filled in
        name = "at_most" if "at_least" not in _written(found, at) else "at_least"
        found.say((*at, name), f"at_least ({low}) is more than at_most ({high})")


def _written(found: Findings, at: Path) -> Mapping[str, Any]:
    """What the spec says at a place, without defaults."""
    here: Any = found.loaded.composed.value
    for step in at:
        here = here.get(step) if isinstance(here, Mapping) else None
    return here if isinstance(here, Mapping) else {}


def _budget(found: Findings) -> None:
    budget = found.sweep["budget"]
    if budget is None:
        return
    # imported late: most sweeps have no budget
    from experiments.budget.knobs import fault_of, path_of

    at: Path = ("sweep", "budget")
    by, tolerance = path_of(budget["by"]), budget["tolerance"]
    tuned: dict[str, Path] = {path: ("sweep", "tune", path) for path in found.sweep["tune"] or {}}
    varied = (found.taken | tuned | _set(found.sweep)).get(by)
    if varied is not None:
        found.say((*at, "by"), f"{by} is varied by {dotted(varied)}; what is solved for must be free")
    elif not reaches(found.full, by):
        found.say((*at, "by"), f"{by} {fault_of(budget['by'], found.full, ())}")
    if isinstance(tolerance, str) and not 0 < float(tolerance.rstrip("%")) <= 100:
        found.say((*at, "tolerance"), "must be more than 0% and at most 100%")


def _scaling(found: Findings) -> None:
    path, at = found.sweep["scaling"], ("sweep", "scaling")
    if path is None:
        return
    axes = _varied(found.sweep)
    if path not in axes:
        found.say(at, no_axis(path, axes))
    elif odd := [value for value in axes[path] if isinstance(value, bool) or not isinstance(value, int | float)]:
        found.say(at, f"is an axis of more than numbers ({label(odd[0])}): scaling needs an order of sizes")


def _varied(sweep: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    """Path of each axis -> its values as they are written; a distribution has none but numbers."""
    found = {p: axis if isinstance(axis, list) else axis["values"] for p, axis in (sweep["axes"] or {}).items()}
    for group in sweep["zip"] or []:
        found |= group
    drawn = sweep["random"]["settings"] if sweep["random"] else {}
    return found | {path: source if isinstance(source, list) else [] for path, source in drawn.items()}


def _tune(found: Findings, tune: Mapping[str, Any]) -> None:
    at: Path = ("sweep", "tune")
    if not tune:
        found.say(at, "names no setting")
    fixed = _set(found.sweep)
    for path, source in tune.items():
        found.varied((*at, path), path)
        found.source((*at, path), source)
        if path in fixed:
            found.say((*at, path), f"is set by {dotted(fixed[path])} too", key=True)


def _set(sweep: Mapping[str, Any]) -> dict[str, Path]:
    """The settings of single variants, and where they stand."""
    named: dict[str, Path] = {}
    for name, settings in (sweep["variants"] or {}).items():
        named |= {path: ("sweep", "variants", name, path) for path in settings}
    for number, override in enumerate(sweep["overrides"] or []):
        named |= {path: ("sweep", "overrides", number, "set", path) for path in override["set"]}
    return named


def _tuning(found: Findings, tune: Mapping[str, Any], tuning: Mapping[str, Any]) -> None:
    at: Path = ("sweep", "tuning")
    search, tries, halving = tuning["search"], tuning["tries"], tuning["halving"]
    endless = [path for path, source in tune.items() if not isinstance(source, list)]
    if search == "grid" and endless:
        message = f"grid tries every value of a list, but {', '.join(endless)} is a distribution; use random or tpe"
        found.say((*at, "search"), message)
    elif search == "grid" and tries is not None:
        every = math.prod(len(source) for source in tune.values())
        found.say((*at, "tries"), f"grid tries all {every} combinations; leave `tries` out, or use random or tpe")
    elif search != "grid" and tries is None:
        found.say(at, f"{search} needs `tries`: how many, for each variant")
    elif search == "random" and tries is not None and not found.problems:
        enough(found, (*at, "tries"), tune, tries)
    if halving == 1:
        found.say((*at, "halving"), "must be at least 2: a half goes on, or a third")
    elif halving is not None and search == "tpe":
        found.say((*at, "halving"), "does not go with tpe, which learns from tries that were trained to the end")
    _apart(found, (*at, "first_seed"), range(tuning["first_seed"], tuning["first_seed"] + tuning["seeds"]))


def _apart(found: Findings, at: Path, used: range) -> None:
    seeds = seeds_of(found.sweep["seeds"])
    compared = range(seeds.at_most) if isinstance(seeds, AutoSeeds) else seeds
    if both := sorted(set(compared) & set(used)):
        found.say(
            at, f"seed {both[0]} is one of the comparison too: nothing may be chosen by the luck it is judged with"
        )
