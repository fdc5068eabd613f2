"""Reading what sweeps and runs left on disk. Light: only the standard library, and scipy for the first interval."""

from experiments.results.headline import headline
from experiments.results.plan import LeftOut, Metric, Plan, PlannedTrial, Reference, ResultsError, Variant, read_plan
from experiments.results.read import read_results, runs_in
from experiments.results.statistics import Difference, Estimate, estimate, holm, paired_difference
from experiments.results.sweep import SweepResults, VariantResult
from experiments.results.trial import Curve, Summary, Trial

__all__ = [
    "Curve",
    "Difference",
    "Estimate",
    "LeftOut",
    "Metric",
    "Plan",
    "PlannedTrial",
    "Reference",
    "ResultsError",
    "Summary",
    "SweepResults",
    "Trial",
    "Variant",
    "VariantResult",
    "estimate",
    "headline",
    "holm",
    "paired_difference",
    "read_plan",
    "read_results",
    "runs_in",
]
