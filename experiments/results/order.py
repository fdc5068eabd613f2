"""Whether the order of variants changes with size."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from experiments.results.power_law import Law
from experiments.results.verdict import corrected, paired_difference
from experiments.results.words import clean, count, times

LOOKS = 200
"""At how many costs fitted curves are compared to find where they cross."""

Family = Mapping[str, Mapping[int, float]]
"""Size -> value of the metric for each seed."""


def order_changes(
    families: Mapping[str, Family],
    goal: str,
    *,
    confidence: float,
    cost: str = "",
    laws: Mapping[str, Law] | None = None,
) -> tuple[str, ...]:
    """Sentences on the pairs of variants whose order changes, or one that says that none is shown.

    A change takes two sizes at which a pair differs, one way and the other, both by a paired test, corrected (Holm)
    over all pairs and sizes. laws: the fitted law of a variant against `cost`; where the curves of a pair that changes
    cross within the measured range is said beside.
    """
    pairs = list(itertools.combinations(families, 2))
    if not pairs:
        return ("one variant only: there is no order to change",)
    places = [(a, b, size) for a, b in pairs for size in families[a] if size in families[b]]
    found = {
        str(number): difference
        for number, (a, b, size) in enumerate(places)
        if (difference := paired_difference(families[a][size], families[b][size], confidence=confidence)) is not None
    }
    settled = corrected(found, confidence=confidence)
    tested = sum(difference.tested for difference in settled.values())
    verdicts = {places[int(number)]: difference.verdict(goal) for number, difference in settled.items()}
    sentences = []
    for a, b in pairs:
        better, worse = (
            [size for one, other, size in places if (one, other) == (a, b) and verdicts.get((a, b, size)) == word]
            for word in ("better", "worse")
        )
        if better and worse:
            where = _crossing(a, b, cost, laws or {})
            first, second = clean(a), clean(b)
            sentences.append(
                f"{first} is better than {second} at {', '.join(map(clean, better))} and worse at "
                f"{', '.join(map(clean, worse))}{where} (corrected for {times(tested, 'comparison')})"
            )
    about = f"{times(len(pairs), 'pair')} of variants, {times(tested, 'comparison')}"
    return tuple(sentences) or (f"no change of order with size is shown ({about})",)


def _crossing(a: str, b: str, cost: str, laws: Mapping[str, Law]) -> str:
    """Where the fitted curves cross within the range that both were measured in, in words."""
    if a not in laws or b not in laws:
        return ""
    one, other = laws[a], laws[b]
    low, high = max(one.low, other.low), min(one.high, other.high)
    if low >= high:
        return ""
    costs = [low * (high / low) ** (step / (LOOKS - 1)) for step in range(LOOKS)]
    ahead = [one.at(x).mean < other.at(x).mean for x in costs]
    crossed = [x for x, before, after in zip(costs[1:], ahead, ahead[1:], strict=False) if before != after]
    return f"; the fitted curves cross at about {' and '.join(map(count, crossed))} {cost}" if crossed else ""
