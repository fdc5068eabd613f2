"""Whether effects of axes and scaling are found as they were made, on simulated sweeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.figures import Table, percent, repeats_of
from benchmarks.simulated_sweeps import Generator, by_seed, runs, sweep_of
from experiments.results import SweepResults, effects, scaling

AXES = {
    "attention": ("full", "window", "linear", "performer"),
    "position": ("none", "rotary", "alibi"),
    "place": ("pre", "post"),
}
TRUE = {"full": -0.6, "window": -0.2, "linear": 0.3, "performer": 0.5, "none": 0.4, "rotary": -0.4, "alibi": 0.0}
TRUE |= {"pre": -0.1, "post": 0.1}
LEFT_OUT = {("linear", "alibi"), ("performer", "alibi")}


def factors(rng: Generator, scale: float) -> Table:
    """Four kinds of attention, three positions and two placements with known effects, four of the 24 combinations left
    out: how often the interval of an effect holds the truth, and how often any interaction is shown although there
    is none; then, with one interaction of one standard deviation between two values, how often it is shown. In per
    cent.
    """
    repeats = repeats_of(200, scale)
    table = Table(
        "Effects of the axes",
        factors.__doc__,
        ["seeds", "coverage", "false interactions", "true interaction shown"],
        repeats,
    )
    keys = [
        (a, p, q) for a in AXES["attention"] for p in AXES["position"] for q in AXES["place"] if (a, p) not in LEFT_OUT
    ]
    for seeds in (3, 5, 10):
        hits = total = false = true = 0
        for _ in range(repeats):
            made = runs(rng, len(keys), seeds)
            for extra in (0.0, 1.0):
                values = {
                    " / ".join(key): {
                        seed: value + sum(TRUE[own] for own in key) + extra * (key[:2] == ("full", "none"))
                        for seed, value in one.items()
                    }
                    for key, one in zip(keys, made, strict=True)
                }
                found = effects(sweep_of(values, axes=AXES))
                assert found is not None
                shown = [cell for pair in found.interactions for cell in pair.shown]
                if extra:
                    true += ("full", "none") in shown
                    continue
                false += bool(shown)
                for one in found.main:
                    total += 1
                    hits += (one.estimate.low or 0.0) <= TRUE[one.value] <= (one.estimate.high or 0.0)
        table.rows.append([str(seeds), percent(hits, total), percent(false, repeats), percent(true, repeats)])
    return table


SIZES = {"1x": 1e5, "2x": 2e5, "4x": 4e5, "8x": 8e5, "16x": 16e5}


def growth(rng: Generator, scale: float) -> Table:
    """Two variants at five sizes, loss falling with size to the powers -0.10 and -0.07, seeds moving it by 1 %: how
    often the interval of an exponent holds the truth, and how often a floor is seen that is not there, over both.
    Then the same with a floor at half of the smallest loss (exponent -0.5): how often it is seen, and its interval
    holds it. Last, how often a change of order is said to be shown: for curves that run parallel, and for curves
    that cross. In per cent.
    """
    repeats = repeats_of(40, scale)
    table = Table(
        "Scaling",
        growth.__doc__,
        ["seeds", "exponent", "false floor", "true floor seen", "floor", "parallel", "crossing"],
        repeats,
    )
    for seeds in (3, 5, 10):
        fits = hits = false = floors = held = parallel = crossing = 0
        for _ in range(repeats):
            crossed = scaling(_sizes(rng, seeds, (-0.10, -0.07), 0.0, start=(2.0 * 4**0.03, 2.0)))
            plain = scaling(_sizes(rng, seeds, (-0.07, -0.07), 0.0, start=(2.0, 2.1)))
            bent = scaling(_sizes(rng, seeds, (-0.5, -0.5), 1.0, start=(1.0, 1.2)))
            assert crossed is not None
            assert plain is not None
            assert bent is not None
            for curve, truth in zip(crossed.curves["parameters"], (-0.10, -0.07), strict=True):
                assert curve.exponent is not None
                fits += 1
                hits += (curve.exponent.low or 0.0) <= truth <= (curve.exponent.high or 0.0)
                false += curve.offset is not None
            found = [curve.offset for curve in bent.curves["parameters"] if curve.offset]
            floors += len(found)
            held += sum((one.floor.low or 0.0) <= 1.0 <= (one.floor.high or 0.0) for one in found)
            crossing += "is better than" in crossed.order_changes[0]
            parallel += "is better than" in plain.order_changes[0]
        cells = [percent(hits, fits), percent(false, fits), percent(floors, fits), percent(held, max(1, floors))]
        table.rows.append([str(seeds), *cells, percent(parallel, repeats), percent(crossing, repeats)])
    return table


def _sizes(rng: Generator, seeds: int, powers: Sequence[float], floor: float, start: Sequence[float]) -> SweepResults:
    """Two variants over sizes: start * (size / smallest) ** power + floor, moved by the seed."""
    values: dict[str, dict[int, float]] = {}
    costs: dict[str, dict[str, int]] = {}
    for name, fall, first in zip("ab", powers, start, strict=True):
        for size, parameters in SIZES.items():
            truth = first * (parameters / 1e5) ** fall + floor
            values[f"{name} / {size}"] = by_seed(truth * np.exp(0.01 * rng.standard_normal(seeds)))
            costs[f"{name} / {size}"] = {"parameters": int(parameters)}
    return sweep_of(values, axes={"kind": "ab", "size": tuple(SIZES)}, costs=costs, scaling="size")
