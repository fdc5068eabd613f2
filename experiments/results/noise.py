"""The noise floor: what the seed alone does to the metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.results.statistics import CONFIDENCE, estimate

OWN_SEEDS = 5
"""From so many seeds on, the baseline's own spread is known well enough; 4 degrees of freedom are off by a factor of
1.7 down and 2.9 up at most in 95 % of cases, 2 by 1.9 and 6.3."""


@dataclass(frozen=True)
class Noise:
    """How much single runs of one variant differ by their seeds.

    sd: the standard deviation between them; low, high: its interval (chi-squared), None where the runs are all alike.
    difference: what two of them differ by at most in 95 % of cases. freedom: degrees of freedom. of: whose it is, in
    words.
    """

    sd: float
    low: float | None
    high: float | None
    difference: float
    freedom: int
    of: str


def noise_of(values: Mapping[str, Sequence[float]], baseline: str | None) -> Noise | None:
    """The noise floor of variants, label -> values over seeds; None where no variant has two seeds.

    It is the baseline's own where that has OWN_SEEDS seeds. Else it is pooled over all variants with two seeds or more,
    weighted by their degrees of freedom: three seeds of one variant say next to nothing of a spread, and variants of
    one sweep rarely differ in it as much as that is off by.
    """
    from scipy import stats

    spreads = {
        label: (found.sd, found.n - 1)
        for label, own in values.items()
        if (found := estimate(own)) and found.sd is not None
    }
    if not spreads:
        return None
    of = f"{len(spreads)} variants, pooled"
    if baseline in spreads and (spreads[baseline][1] >= OWN_SEEDS - 1 or len(spreads) == 1):
        spreads, of = {baseline: spreads[baseline]}, "the baseline"
    elif len(spreads) == 1:
        of = "the one variant with several seeds"
    freedom = sum(own for _, own in spreads.values())
    # hypot does not overflow where squares would
    sd = math.hypot(*(spread * math.sqrt(own) for spread, own in spreads.values())) / math.sqrt(freedom)
    difference = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(2) * sd
    low, high = (sd * math.sqrt(freedom / float(end)) for end in stats.chi2.interval(CONFIDENCE, freedom)[::-1])
    return Noise(sd, low if sd else None, high if sd else None, difference, freedom, of)
