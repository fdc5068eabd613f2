"""All numbers of the page once more, for programs that read it."""

from __future__ import annotations

from typing import Any

from experiments.report.findings import Findings
from experiments.results import Difference, Effects, Scaling, SweepResults, Trial, VariantResult
from experiments.results.statistics import Estimate
from experiments.results.variant_result import COSTS


def numbers(found: Findings) -> dict[str, Any]:
    """Full precision; null where nothing is known. Learning curves are in the charts, thinned."""
    results, plan = found.results, found.results.plan
    return {
        "schema_version": 1,
        "name": plan.name,
        "created": plan.created,
        "command": plan.command,
        "metric": {"name": plan.metric.name, "goal": plan.metric.goal},
        "axes": [{"path": axis, "values": list(values)} for axis, values in plan.axes.items()],
        "confidence": results.confidence,
        "budget": vars(plan.budget) if plan.budget else None,
        "noise": vars(results.noise) if results.noise else None,
        "variants": [_variant(results, row) for row in results.ranking],
        "trials": [_trial(trial) for trial in results.trials],
        "references": [vars(reference) for reference in plan.references],
        "left_out": [{"label": one.label, "reason": one.reason} for one in plan.left_out],
        "effects": _effects(found.effects),
        "scaling": _scaling(found.scaling),
    }


def _variant(results: SweepResults, row: VariantResult) -> dict[str, Any]:
    held = row.variant.held
    return {
        "label": row.label,
        "place": results.plan.variants.index(row.variant),
        "values": dict(row.variant.values),
        "rank": row.rank,
        "baseline": row.is_baseline,
        "estimate": _estimate(row.estimate),
        "difference": _difference(row.difference, results.plan.metric.goal),
        "held": {**vars(held), "off": held.off} if held else None,
        "costs": {name: pick(row) for name, pick in COSTS.items()},
    }


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    return vars(found) if found else None


def _difference(found: Difference | None, goal: str) -> dict[str, Any] | None:
    return {**vars(found), "effect": found.effect, "verdict": found.verdict(goal)} if found else None


def _trial(trial: Trial) -> dict[str, Any]:
    summary = trial.summary
    return {
        "id": trial.id,
        "variant": trial.variant,
        "seed": trial.seed,
        "stage": trial.stage,
        "tuned": dict(trial.tuned),
        "status": trial.status,
        "reason": trial.reason,
        "step": trial.step,
        "metrics": dict(summary.metrics) if summary else {},
        "parameters": summary.parameters if summary else None,
        "tokens": summary.tokens if summary else None,
        "train_seconds": summary.train_seconds if summary else None,
        "peak_memory_mb": summary.peak_memory_mb if summary else None,
        "batches": summary.batches if summary else None,
    }


def _effects(found: Effects | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "main": [{**vars(one), "estimate": _estimate(one.estimate)} for one in found.main],
        "interactions": [
            {
                "axes": list(one.axes),
                "cells": [
                    {"values": list(values), **vars(cell), "p_holm": one.p_holm.get(values)}
                    for values, cell in one.cells.items()
                ],
            }
            for one in found.interactions
        ],
        "shares": dict(found.shares),
        "luck": found.luck,
    }


def _scaling(found: Scaling | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "axis": found.axis,
        "curves": {
            cost: [
                {
                    "label": curve.label,
                    "points": [{"cost": cost, **vars(estimate)} for cost, estimate in curve.points],
                    "exponent": _estimate(curve.exponent),
                }
                for curve in curves
            ]
            for cost, curves in found.curves.items()
        },
        "order_changes": list(found.order_changes),
    }
