"""Numbers and names as people read them; shared by the terminal, the report and its copies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from experiments.results.statistics import Estimate

# An en dash.
MISSING = "\u2013"


def clean(text: str) -> str:
    """Without control, bidirectional and other invisible characters, which could rewrite what a terminal shows."""
    return "".join(char if char.isprintable() else " " for char in text)


def shorten(text: str, width: int) -> str:
    """At most `width` characters, cut in the middle: names differ at both ends."""
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def decimals_for(values: Iterable[float]) -> int:
    """How many decimals tell these values apart: three digits of their range, within 2 to 4, more if all are tiny."""
    known = list(values)
    largest = max(map(abs, known), default=0.0)
    most = max(4, 2 - math.floor(math.log10(largest))) if largest else 4
    span = min(max(known) - min(known), 1e300) if known else 0.0
    if span <= 0:
        return 3 if most == 4 else most
    return min(most, max(2, 2 - math.floor(math.log10(span))))


def fixed(value: float | None, decimals: int) -> str:
    """`2.390`, or the sign for a missing value; very large and very small numbers with an exponent."""
    if value is None:
        return MISSING
    return f"{value:.{decimals}f}" if decimals <= 8 and abs(value) < 1e7 else f"{value:.4g}"


def signed(value: float | None, decimals: int) -> str:
    """`+0.012`, or the sign for a missing value."""
    if value is None:
        return MISSING
    return f"{'+' if value >= 0 else ''}{fixed(value, decimals)}".replace("-", "\u2212")


def interval(estimate: Estimate | None, decimals: int) -> str:
    """`2.31 to 2.47`, or the sign for a missing value."""
    if estimate is None or estimate.low is None:
        return MISSING
    return f"{fixed(estimate.low, decimals)} to {fixed(estimate.high, decimals)}"


def signed_interval(low: float | None, high: float | None, decimals: int) -> str:
    """`-0.12 to -0.06` with proper signs, or the sign for a missing value."""
    return MISSING if low is None or high is None else f"{signed(low, decimals)} to {signed(high, decimals)}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def count(value: float | None) -> str:
    """Three digits and a letter: 123456 -> 123k."""
    if value is None:
        return MISSING
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """`42 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds is None:
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def times(number: int, noun: str) -> str:
    """`1 trial`, `2 trials`, `3 tries`."""
    many = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number} {noun if number == 1 else many}"
