"""Whether the numbers of seeds that a sweep asks for are right, on simulated seeds."""

from __future__ import annotations

import math

import numpy as np

from benchmarks.figures import Table, percent, repeats_of
from benchmarks.simulated_sweeps import OWN, Generator, by_seed, runs
from experiments.results import Metric, paired_difference
from experiments.results.statistics import MOST_SEEDS, seeds_needed
from experiments.results.verdict import corrected
from experiments.sweep.more_seeds import confidence, seeds_wanted
from experiments.sweep_options import AutoSeeds


def needed(rng: Generator, scale: float) -> Table:
    """N for a known effect, and the power with N seeds, in per cent, to be 80 or just above. A sweep knows the effect
    from a few seeds only: the last column is what it says from five seeds, median and middle 80 % of sweeps, over
    those that show no difference yet. It tells ten seeds from hundreds, not ten from fifteen.
    """
    repeats, sayings = repeats_of(1500, scale), repeats_of(150, scale)
    table = Table(
        "Would need about N seeds",
        needed.__doc__,
        ["effect", "comparisons", "N", "power with N", "said from 5 seeds"],
        repeats,
    )
    for effect in (0.5, 1.0, 2.0):
        for comparisons in (1, 10):
            n = seeds_needed(effect, 0.05 / comparisons)
            tests = (paired_difference(_pairs(rng, effect, n), dict.fromkeys(range(n), 0.0)) for _ in range(repeats))
            seen = sum((one.p or 0.0) < 0.05 / comparisons for one in tests if one and one.mean > 0)
            said: list[int] = []
            while len(said) < sayings:
                own = paired_difference(_pairs(rng, effect, 5), dict.fromkeys(range(5), 0.0))
                if own and own.effect and (own.p or 0.0) >= 0.05 / comparisons:
                    said.append(seeds_needed(own.effect, 0.05 / comparisons))
            low, middle, high = (int(np.quantile(said, share)) for share in (0.1, 0.5, 0.9))
            words = f"{middle} ({low} to {f'over {MOST_SEEDS:,}' if high >= MOST_SEEDS else high})"
            table.rows.append([f"{effect:g}", str(comparisons), str(n), percent(seen, repeats), words])
    return table


def more_seeds(rng: Generator, scale: float) -> Table:
    """`seeds: auto` with five equal variants and a baseline: seeds used, how often the final interval of a difference
    holds the truth, and how often any variant is called better or worse, both in per cent; by the half width asked
    for, in units of the standard deviation of the paired differences.
    """
    repeats = repeats_of(400, scale)
    table = Table(
        "Seeds added until the intervals are narrow",
        more_seeds.__doc__,
        ["width", "seeds, mean", "coverage", "false alarms"],
        repeats,
    )
    for width in (0.5, 1.0, 2.0):
        auto = AutoSeeds(width=width * OWN * math.sqrt(2))
        used, hits, alarms, intervals = [], 0, 0, 0
        for _ in range(repeats):
            values = dict(zip("bvwxyz", runs(rng, 6, auto.at_most), strict=True))
            have = dict.fromkeys(values, 0)
            while True:
                seen = {label: [own[seed] for seed in range(have[label])] for label, own in values.items()}
                wanted = seeds_wanted(seen, "b", auto, Metric())
                if wanted == have:
                    break
                have = wanted
            found = {}
            for label in "vwxyz":
                own = {seed: values[label][seed] for seed in range(have[label])}
                difference = paired_difference(own, values["b"], confidence=confidence(auto))
                assert difference is not None
                found[label] = difference
                hits += (difference.low or 0.0) <= 0 <= (difference.high or 0.0)
            intervals += len(found)
            used += [have[label] for label in found]
            settled = corrected(found, confidence=confidence(auto))
            alarms += any(one.verdict("minimize") in ("better", "worse") for one in settled.values())
        cells = [f"{np.mean(used):.1f}", percent(hits, intervals), percent(alarms, repeats)]
        table.rows.append([f"{width:g}", *cells])
    return table


def _pairs(rng: Generator, effect: float, n: int) -> dict[int, float]:
    return by_seed(effect + rng.standard_normal(n))
