"""What `plan.json` says of a plan itself, which is known before any data are read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from experiments.sweep.axes import space_of
from experiments.sweep.draws import in_words
from experiments.sweep.plan import SweepPlan, Variant
from experiments.sweep_options import AutoSeeds
from registry.load import Loaded


def plan_facts(loaded: Loaded, plan: SweepPlan) -> dict[str, Any]:
    """In lists and dicts, as `experiments.results.plan` reads it.

    The metric is the spec's, and the seeds are those of any case.
    """
    sweep = loaded.full["sweep"]
    auto = plan.seeds if isinstance(plan.seeds, AutoSeeds) else None
    facts = {
        "metric": loaded.full["metric"],
        "axes": plan.axes,
        "baseline": next((v.values for v in plan.variants if v.label == plan.baseline), None),
        "baseline_label": plan.baseline,
        "seeds": plan.first_seeds,
        "auto_seeds": asdict(auto) if auto else None,
        "most_seeds": auto.at_most if auto else None,
        "looks": plan.looks,
        "variants": [_variant(variant) for variant in plan.variants],
        "left_out": [asdict(item) for item in plan.left_out],
        "strict": sweep["strict"],
        "overrides": [asdict(item) for item in plan.overrides],
        "budget": asdict(plan.budget) if plan.budget else None,
        "tuning": _tuning(loaded.full["metric"]["name"], sweep["tune"], sweep["tuning"]),
        "scaling": sweep["scaling"],
        "caveats": [asdict(item) for item in plan.caveats],
    }
    # tuples become lists, as they will in the file
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    return plain


def _variant(variant: Variant) -> dict[str, Any]:
    held = asdict(variant.held) if variant.held else None
    return {"label": variant.label, "values": variant.values, "settings": dict(variant.settings), "held": held}


def _tuning(metric: str, tune: Mapping[str, Any] | None, tuning: Mapping[str, Any]) -> dict[str, Any] | None:
    if not tune:
        return None
    every = math.prod(len(source) for source in tune.values() if isinstance(source, list))
    return {
        "search": tuning["search"],
        "metric": metric,
        "space": {path: in_words(source) for path, source in space_of(tune).items()},
        "tries": tuning["tries"] or every,
        "seeds": tuning["seeds"],
        "halving": tuning["halving"],
    }
