"""Models that are built without computing: to find out whether they can be, and what they would cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from experiments.making import filled, make_data
from experiments.sweep.findings import in_variants
from experiments.sweep.ranked_by import ranked_by
from registry.assembly import dry_run
from registry.catalog import Catalog
from registry.check import block_of
from registry.errors import Problem, SpecError
from registry.load import Loaded

if TYPE_CHECKING:
    from torch import nn

    from experiments.sweep.plan import SweepPlan

STAND_IN = {"vocab": 256, "classes": 2}
"""Sizes for a spec that has no data to know them."""


def dry_build(loaded: Loaded, plan: SweepPlan | None) -> None:
    """Build and run a spec, or every variant of its sweep, on the meta device. Raises SpecError with all problems.

    Of a sweep that tunes, the data must be able to rank the variants too.
    """
    if plan is None:
        build_on_meta(loaded.full, loaded.catalog)
    else:
        specs = {v.label: plan.spec(v, plan.first_seeds[0]) for v in plan.variants}
        ranked_by(loaded, [make_data(full, loaded.catalog) for full in specs.values() if full["data"] is not None])
        build_variants(specs, loaded.catalog)


def build_variants(specs: Mapping[str, Mapping[str, Any]], catalog: Catalog) -> None:
    """Build and run the variants with these labels. Raises SpecError: each problem once, with the variants it is of."""
    found: dict[Problem, list[str]] = {}
    for label, full in specs.items():
        try:
            build_on_meta(full, catalog)
        except SpecError as error:
            for problem in error.problems:
                found.setdefault(problem, []).append(label)
    if found:
        raise SpecError([in_variants(problem, labels, len(specs)) for problem, labels in found.items()])


def build_on_meta(full: Mapping[str, Any], catalog: Catalog) -> nn.Module:
    """The model of a full spec, its sizes from the data or stand-ins where there are none."""
    return dry_run(sized(full, catalog)["model"], catalog)


def sized(full: Mapping[str, Any], catalog: Catalog) -> Mapping[str, Any]:
    """The full spec with the sizes that only data know. Raises SpecError where they contradict it."""
    if full["data"] is not None:
        return filled(full, make_data(full, catalog))
    model = dict(full["model"])
    open_sizes = unknown_sizes(full, catalog)
    if "vocab" in open_sizes:
        model["vocab"] = STAND_IN["vocab"]
    if "classes" in open_sizes:
        model["head"] = {**model["head"], "classes": STAND_IN["classes"]}
    return {**full, "model": model}


def unknown_sizes(full: Mapping[str, Any], catalog: Catalog) -> list[str]:
    """The sizes that the model of a full spec needs, that it does not say, and that there are no data to know."""
    if full["data"] is not None:
        return []
    model = full["model"]
    whole = block_of(model, catalog.get("topology", model["topology"]), catalog, ())
    unknown = {
        "vocab": model["vocab"] is None and any("vocab" in block.about["dims"] for block in whole.parts()),
        "classes": "classes" in model["head"] and model["head"]["classes"] is None,
    }
    return [name for name, is_open in unknown.items() if is_open]
