"""`plan.json`: all that a reader of the results needs to know of a sweep, with the trials that are known so far."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from experiments.atomic import write_json
from experiments.provenance import environment
from experiments.results.lenient import objects, read_json
from experiments.results.plan import SCHEMA_VERSION
from experiments.sweep.plan import SweepPlan
from experiments.sweep.plan_facts import plan_facts
from experiments.sweep.ranked_by import ranked_by
from experiments.sweep.trials import Trial
from registry.load import Loaded

BEGUN = ("command", "created", "environment", "spec_file")
"""What tells when and where a sweep began; it stays as it was while the sweep goes on."""

GROWS = ("trials", "seeds")
"""What a sweep may come to want more of."""

SETTLED = (
    "schema_version",
    "metric",
    "axes",
    "baseline",
    "baseline_label",
    "variants",
    "left_out",
    "overrides",
    "budget",
    "auto_seeds",
    "tuning",
    "scaling",
)
"""What is settled before the first trial. With other words here, it is another sweep."""


def describe_plan(
    folder: Path, loaded: Loaded, plan: SweepPlan, trials: Sequence[Trial], spec_file: str
) -> dict[str, Any]:
    """What `plan.json` says. trials: those known so far, at least one; seeds and tuning add to them."""
    data = list({id(trial.data): trial.data for trial in trials}.values())
    return {
        "schema_version": SCHEMA_VERSION,
        "name": folder.name,
        "spec_file": spec_file,
        "command": shlex.join(["swapformer", *sys.argv[1:]]),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **plan_facts(loaded, plan),
        "metric": asdict(ranked_by(loaded, data)),
        "seeds": _seeds(plan, trials),
        "trials": [_trial(trial) for trial in trials],
        "references": [asdict(reference) for reference in data[0].references()],
        "data": data[0].about(),
        "environment": environment(),
    }


def write_plan(folder: Path, content: Mapping[str, Any]) -> int:
    """Write `plan.json`, unless it says the same already.

    While what was settled stays settled, the plan keeps telling when and where the sweep began; trials and seeds may
    have been added. Returns how many trials of the earlier plan are not part of this one; they stay in the folder.
    """
    path = folder / "plan.json"
    earlier = read_json(path, []) or {}
    now = json.loads(json.dumps(content))
    if _same(earlier, now, SETTLED):
        now |= {key: earlier[key] for key in BEGUN if key in earlier}
    if not _same(earlier, now, (*SETTLED, *GROWS)):
        write_json(path, now)
    kept = {trial["id"] for trial in now["trials"]}
    return sum(trial.get("id") not in kept for trial in objects(earlier.get("trials")))


def _same(earlier: Mapping[str, Any], now: Mapping[str, Any], keys: Sequence[str]) -> bool:
    return all(earlier.get(key) == now[key] for key in keys)


def _trial(trial: Trial) -> dict[str, Any]:
    more = {"tuned": dict(trial.tuned)} if trial.tuned else {}
    return {"id": trial.id, "variant": trial.variant.label, "seed": trial.seed, "stage": trial.stage, **more}


def _seeds(plan: SweepPlan, trials: Sequence[Trial]) -> list[int]:
    """Those of the plan; of a plan that adds seeds, those that have come to be wanted."""
    known = {trial.seed for trial in trials if trial.stage == "compare"} if plan.looks > 1 else set()
    return plan.first_seeds + sorted(known - set(plan.first_seeds))
