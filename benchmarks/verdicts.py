"""What intervals and verdicts are worth, on simulated seeds."""

from __future__ import annotations

import math

from benchmarks.figures import Table, percent, repeats_of
from benchmarks.simulated_sweeps import OWN, SHAPES, SHARED, Generator, by_seed, runs, sweep_of
from experiments.results import estimate, paired_difference
from experiments.results.noise import noise_of
from experiments.results.statistics import power
from experiments.results.verdict import corrected


def coverage(rng: Generator, scale: float) -> Table:
    """How often a 95 % interval holds the true value, in per cent: of a variant's mean over seeds, and of its
    difference from the baseline with the same seeds. Every variant's own spread is normal, skewed (lognormal) or
    heavy-tailed (Student's t with 3 degrees of freedom). In the last column the variant's spread is three times the
    baseline's.
    """
    repeats = repeats_of(1200, scale)
    table = Table(
        "Coverage of the intervals",
        coverage.__doc__,
        ["seeds", "spread", "mean", "difference", "difference, unequal spread"],
        repeats,
    )
    for seeds in (3, 5, 10, 20):
        for shape, draw in SHAPES.items():
            hits = [0, 0, 0]
            for _ in range(repeats):
                own = draw(rng, (3, seeds))
                common = rng.standard_normal(seeds)
                means = estimate([*map(float, own[0])])
                equal = paired_difference(by_seed(own[1] + common), by_seed(own[0] + common))
                wide = paired_difference(by_seed(3 * own[2] + common), by_seed(own[0] + common))
                for place, found in enumerate((means, equal, wide)):
                    hits[place] += found is not None and found.low is not None and found.low <= 0 <= (found.high or 0.0)
            table.rows.append([str(seeds), shape, *(percent(hit, repeats) for hit in hits)])
    return table


def false_alarms(rng: Generator, scale: float) -> Table:
    """How often at least one of several variants is called better or worse than a baseline that all are equal to, in
    per cent: uncorrected, and as a sweep does it (Holm), which is to stay at 5 or below.
    """
    repeats = repeats_of(400, scale)
    table = Table(
        "False alarms among equal variants", false_alarms.__doc__, ["variants", "seeds", "uncorrected", "Holm"], repeats
    )
    for variants in (5, 10, 20):
        for seeds in (3, 5, 10):
            alone = together = 0
            for _ in range(repeats):
                baseline, *others = runs(rng, variants + 1, seeds)
                found = {str(i): d for i, own in enumerate(others) if (d := paired_difference(own, baseline))}
                alone += any(one.verdict("minimize") in ("better", "worse") for one in found.values())
                together += any(one.verdict("minimize") in ("better", "worse") for one in corrected(found).values())
            table.rows.append([str(variants), str(seeds), percent(alone, repeats), percent(together, repeats)])
    return table


def no_baseline(rng: Generator, scale: float) -> Table:
    """Where a sweep names no baseline, the first of the ranking is tested against the second. How often it is called
    better among equal variants, in per cent, to stay at 5 or below although both were picked by their results.
    """
    repeats = repeats_of(400, scale)
    table = Table(
        "False alarms without a baseline", no_baseline.__doc__, ["variants", "3 seeds", "5 seeds", "10 seeds"], repeats
    )
    for variants in (2, 5, 20):
        row = [str(variants)]
        for seeds in (3, 5, 10):
            made = (runs(rng, variants, seeds) for _ in range(repeats))
            leads = (sweep_of({f"v{i}": own for i, own in enumerate(values)}).lead for values in made)
            row.append(
                percent(sum(lead is not None and lead.verdict("minimize") == "better" for lead in leads), repeats)
            )
        table.rows.append(row)
    return table


def detection(rng: Generator, scale: float) -> Table:
    """How often a variant that is better is called so, in per cent, by the true difference in units of the standard
    deviation of its paired differences: alone, and as one of ten variants of which the other nine equal the
    baseline. In brackets, what the formula behind *would need about N seeds* says, for the level of the smallest p.
    """
    repeats = repeats_of(400, scale)
    table = Table("Power", detection.__doc__, ["effect", "seeds", "alone", "one of ten"], repeats)
    for effect in (1.0, 2.0):
        for seeds in (3, 5, 10, 20):
            alone = together = 0
            for _ in range(repeats):
                baseline, *others = runs(rng, 11, seeds)
                shift = effect * OWN * math.sqrt(2)
                others[0] = {seed: value - shift for seed, value in others[0].items()}
                found = {str(i): d for i, own in enumerate(others) if (d := paired_difference(own, baseline))}
                alone += found["0"].verdict("minimize") == "better"
                together += corrected(found)["0"].verdict("minimize") == "better"
            said = [f"{100 * power(effect, seeds, level):.0f}" for level in (0.05, 0.005)]
            seen = [percent(alone, repeats), percent(together, repeats)]
            cells = [f"{percent} ({formula})" for percent, formula in zip(seen, said, strict=True)]
            table.rows.append([f"{effect:g}", str(seeds), *cells])
    return table


def noise_floor(rng: Generator, scale: float) -> Table:
    """How often two further runs of one variant differ by no more than the noise floor says, to be 95 %: with the
    baseline's own spread from five seeds on, pooled over six variants below. Where seeds move all variants alike, as
    half of what they do here, pooled values know less than their number says, which costs a few per cent.
    """
    repeats = repeats_of(1200, scale)
    table = Table("Noise floor", noise_floor.__doc__, ["seeds", "spread", "within"], repeats)
    for seeds in (2, 3, 5, 10):
        for shape in SHAPES:
            within = 0
            for _ in range(repeats):
                made = runs(rng, 6, seeds, shape)
                found = noise_of({str(i): [*own.values()] for i, own in enumerate(made)}, "0")
                own, common = SHAPES[shape](rng, (2,)), rng.standard_normal(2)
                further = OWN * own + SHARED * common
                within += found is not None and abs(further[0] - further[1]) <= found.difference
            table.rows.append([str(seeds), shape, percent(within, repeats)])
    return table
