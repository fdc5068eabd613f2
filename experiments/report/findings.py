"""What takes a while to work out, and several parts of a report need."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.results import Effects, Scaling, SweepResults, effects, scaling


@dataclass(frozen=True)
class Findings:
    """Results with the analyses of them, each made once."""

    results: SweepResults
    effects: Effects | None
    scaling: Scaling | None


def findings_of(results: SweepResults) -> Findings:
    return Findings(results, effects(results), scaling(results))
