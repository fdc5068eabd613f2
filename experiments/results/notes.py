"""What must be known to read the verdicts of a sweep, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.results.words import clean, fixed, listed, shorten, times

if TYPE_CHECKING:
    from experiments.results.noise import Noise
    from experiments.results.sweep import SweepResults

MOST_NAMES = 5


def notes(results: SweepResults) -> tuple[str, ...]:
    """How verdicts are corrected, and what they do not rest on. Sentences without a full stop."""
    found = []
    differences = {row.label: row.difference for row in results.ranked if row.difference}
    comparisons = max((one.comparisons for one in differences.values() if one.tested), default=0)
    if comparisons:
        found.append(
            "verdicts are t tests of differences paired by seed, two-sided, at 5 %"
            + (f" over all {comparisons} comparisons together (Holm)" if comparisons > 1 else "")
            + "; an interval beside one is at the level of its test"
        )
    if results.plan.looks > 1:
        found.append(
            f"seeds were added where they were needed, by {results.plan.looks} looks at the results at most: each look "
            f"has intervals of {results.confidence:.2%}, which makes 95 % over all, and verdicts are corrected for it"
        )
    base = results.baseline
    if base is not None and base.lost:
        found.append(f"of the baseline, {base.lost}: {_spared(base.estimate is not None)}")
    lost = [row.label for row in results.ranked if row.lost and not row.is_baseline]
    if lost:
        found.append(f"the means of {_names(lost)} are of the trials that came through, which makes them look too good")
    fewer = [label for label, one in differences.items() if _unpaired(results, label) and one.n]
    if fewer:
        found.append(f"differences of {_names(fewer)} are over the seeds shared with the baseline only")
    alone = [row.label for row in results.ranked if base and base.rank and not row.is_baseline and not row.difference]
    if alone:
        found.append(f"{_names(alone)} shared no seed with the baseline and cannot be compared with it")
    return tuple(found)


def noise_words(noise: Noise, decimals: int) -> str:
    """The noise floor in words, without a full stop."""
    between = (
        "" if noise.low is None else f", 95 % interval {fixed(noise.low, decimals)} to {fixed(noise.high, decimals)}"
    )
    return (
        f"two runs of one variant differ by up to {fixed(noise.difference, decimals)} by their seeds alone, in 95 % of "
        f"cases (standard deviation {fixed(noise.sd, decimals)}{between}; {noise.of})"
    )


def _spared(any_left: bool) -> str:
    return "it is compared by the others, which makes it look too good" if any_left else "nothing is compared with it"


def _unpaired(results: SweepResults, label: str) -> bool:
    base = results.baseline
    return base is not None and results.by_seed(label).keys() != results.by_seed(base.label).keys()


def _names(labels: list[str]) -> str:
    named = [shorten(clean(label), 60) for label in labels[:MOST_NAMES]]
    more = len(labels) - len(named)
    return listed([*named, times(more, "other")] if more else named)
