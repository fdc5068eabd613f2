"""Reading what sweeps and runs left on disk. Light: only the standard library, and scipy for the first interval."""

from experiments.results.effects import Effects, Interaction, MainEffect, effects
from experiments.results.headline import headline
from experiments.results.noise import Noise
from experiments.results.plan import LeftOut, Metric, Plan, PlannedTrial, Reference, ResultsError, Variant, read_plan
from experiments.results.power_law import OffsetLaw
from experiments.results.read import read_results, runs_in
from experiments.results.scaling import Scaling, ScalingCurve, scaling
from experiments.results.statistics import Estimate, estimate, holm
from experiments.results.sweep import SweepResults
from experiments.results.trial import Curve, Summary, Trial
from experiments.results.variant_result import VariantResult
from experiments.results.verdict import Difference, paired_difference

__all__ = [
    "Curve",
    "Difference",
    "Effects",
    "Estimate",
    "Interaction",
    "LeftOut",
    "MainEffect",
    "Metric",
    "Noise",
    "OffsetLaw",
    "Plan",
    "PlannedTrial",
    "Reference",
    "ResultsError",
    "Scaling",
    "ScalingCurve",
    "Summary",
    "SweepResults",
    "Trial",
    "Variant",
    "VariantResult",
    "effects",
    "estimate",
    "headline",
    "holm",
    "paired_difference",
    "read_plan",
    "read_results",
    "runs_in",
    "scaling",
]
