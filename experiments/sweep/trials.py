"""The trials of a plan, and what `plan.json` says of them."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from experiments.atomic import write_json
from experiments.data import Data
from experiments.making import filled, make_data
from experiments.results.lenient import objects, read_json
from experiments.results.plan import SCHEMA_VERSION
from experiments.sweep.machine import environment
from experiments.sweep.plan import SweepPlan, Variant
from experiments.trial_spec import alone, require_training, trial_id
from registry.load import Loaded

# what a plan settles; the rest of `plan.json` tells when and where that was
SETTLED = ("schema_version", "metric", "axes", "baseline", "seeds", "variants", "trials", "left_out")


@dataclass(frozen=True)
class Trial:
    """One variant with one seed, ready to be trained."""

    id: str
    variant: Variant
    seed: int
    spec: dict[str, Any]
    data: Data


def prepare(loaded: Loaded, plan: SweepPlan) -> list[Trial]:
    """The trials with everything that the data know filled in; reads and checks the data. Raises SpecError, BadData."""
    trials = []
    known: dict[str, Data] = {}
    for variant, seed in plan.trials:
        spec = variant.specs[seed]
        require_training(spec)
        key = json.dumps(spec["data"], sort_keys=True)
        if key not in known:
            known[key] = make_data(spec, loaded.catalog)
            known[key].prepare()
        spec = alone(filled(spec, known[key]))
        trials.append(Trial(trial_id(spec), variant, seed, spec, known[key]))
    return trials


def describe_plan(folder: Path, loaded: Loaded, plan: SweepPlan, trials: list[Trial], spec_file: str) -> dict[str, Any]:
    """What `plan.json` says: all that a reader of the results needs to know of the sweep."""
    data = trials[0].data
    return {
        "schema_version": SCHEMA_VERSION,
        "name": folder.name,
        "spec_file": spec_file,
        "command": shlex.join(["swapformer", *sys.argv[1:]]),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "metric": loaded.full["metric"],
        "axes": plan.axes,
        "baseline": plan.baseline,
        "seeds": list(plan.seeds),
        "variants": [{"label": v.label, "values": v.values} for v in plan.variants],
        "trials": [{"id": t.id, "variant": t.variant.label, "seed": t.seed} for t in trials],
        "left_out": [asdict(item) for item in plan.left_out],
        "caveats": [asdict(item) for item in plan.caveats],
        "references": [asdict(r) for r in data.references()],
        "data": data.about(),
        "environment": environment(),
    }


def write_plan(folder: Path, content: dict[str, Any]) -> int:
    """Write `plan.json`, unless it settles the same already: then it keeps telling when and where the sweep began.

    Returns how many trials of an earlier plan are not part of this one; they stay in the folder.
    """
    path = folder / "plan.json"
    earlier = read_json(path, []) or {}
    if not all(earlier.get(key) == json.loads(json.dumps(content[key])) for key in SETTLED):
        write_json(path, content)
    kept = {trial["id"] for trial in content["trials"]}
    return sum(trial.get("id") not in kept for trial in objects(earlier.get("trials")))
