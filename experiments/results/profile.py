"""What models cost against sequence length: `profile.json` as plain dataclasses, and what can be read off it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from experiments.results.lenient import mapping, number, objects, text, texts, whole

PROFILE = "profile.json"
PROFILE_SCHEMA = 1
FEWEST_LENGTHS = 3
"""Below this many lengths nothing is said of growth."""

CLEARLY = 1.1
"""How many times the other's cost the dearer of two must have at the longest length for a crossover to be told."""

QUANTITIES = {
    "forward_ms": "forward pass (ms)",
    "backward_ms": "backward pass (ms)",
    "train_ms": "training step (ms)",
    "peak_memory_mb": "peak memory (MB)",
    "decode_ms": "decoding a token (ms)",
    "cache_mb": "cache (MB)",
}
"""What grows with length, and how charts call it."""


@dataclass(frozen=True)
class Cost:
    """One variant at one length. failed: why there are no figures, or only those counted without running.

    forward_ms: a pass in evaluation. backward_ms: the backward pass of a training step; train_ms: forward and backward.
    peak_memory_mb: of a training step, beyond the model itself. decode_*: a token after `length` others.
    """

    label: str
    length: int
    values: Mapping[str, str] = field(default_factory=dict)
    parameters: int | None = None
    flops_per_token: float | None = None
    forward_ms: float | None = None
    backward_ms: float | None = None
    train_ms: float | None = None
    tokens_per_second: float | None = None
    peak_memory_mb: float | None = None
    decode_ms: float | None = None
    decode_tokens_per_second: float | None = None
    cache_mb: float | None = None
    cache_bytes_per_token: float | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Growth:
    """quantity ~ length ^ exponent, from `from_length` on, with a 95 % interval of the fit."""

    label: str
    quantity: str
    exponent: float
    low: float
    high: float
    from_length: int


@dataclass(frozen=True)
class Crossover:
    """The length from which on `better` costs less than `worse`, inside the measured range."""

    better: str
    worse: str
    quantity: str
    length: float


@dataclass(frozen=True)
class Profile:
    """Costs of some variants at some lengths."""

    costs: tuple[Cost, ...]
    batch: int = 1
    created: str = ""
    command: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cost.label for cost in self.costs))

    @property
    def lengths(self) -> tuple[int, ...]:
        return tuple(sorted({cost.length for cost in self.costs}))

    def curve(self, label: str, quantity: str) -> list[tuple[int, float]]:
        """(length, value) of a variant, by length; only what was measured."""
        points = [(c.length, getattr(c, quantity)) for c in self.costs if c.label == label]
        return sorted((length, value) for length, value in points if value is not None and value > 0)

    @property
    def growth(self) -> tuple[Growth, ...]:
        """A fit for every variant and quantity that has enough lengths."""
        pairs = itertools.product(self.labels, QUANTITIES)
        found = (_growth(label, quantity, self.curve(label, quantity)) for label, quantity in pairs)
        return tuple(growth for growth in found if growth is not None)

    @property
    def crossovers(self) -> tuple[Crossover, ...]:
        """Where one variant becomes cheaper than another and stays so."""
        found = []
        for quantity in QUANTITIES:
            for a, b in itertools.combinations(self.labels, 2):
                crossing = _crossing(self.curve(a, quantity), self.curve(b, quantity))
                if crossing is not None:
                    length, first_wins = crossing
                    found.append(Crossover(*((a, b) if first_wins else (b, a)), quantity, length))
        return tuple(found)

    def content(self) -> dict[str, Any]:
        """What is written to `profile.json`."""
        return {
            "schema_version": PROFILE_SCHEMA,
            "created": self.created,
            "command": self.command,
            "environment": dict(self.environment),
            "batch": self.batch,
            "lengths": list(self.lengths),
            "rows": [asdict(cost) for cost in self.costs],
            "exponents": [asdict(growth) for growth in self.growth],
            "crossovers": [asdict(crossover) for crossover in self.crossovers],
        }


def read_profile(raw: Mapping[str, Any]) -> Profile:
    """A profile from the contents of `profile.json`; what cannot be read is left out."""
    return Profile(
        costs=tuple(_cost(row) for row in objects(raw.get("rows")) if whole(row.get("length"))),
        batch=whole(raw.get("batch")) or 1,
        created=text(raw.get("created")),
        command=text(raw.get("command")),
        environment=texts(raw.get("environment")),
    )


def _cost(row: Mapping[str, Any]) -> Cost:
    plain = ("label", "length", "values", "parameters", "failed")
    figures = {name: number(row.get(name)) for name in Cost.__dataclass_fields__ if name not in plain}
    return Cost(
        label=text(row.get("label"), "unnamed"),
        length=whole(row.get("length")) or 0,
        values=texts(mapping(row.get("values"))),
        parameters=whole(row.get("parameters")),
        failed=text(row.get("failed")) or None,
        **figures,
    )


def _growth(label: str, quantity: str, points: Sequence[tuple[int, float]]) -> Growth | None:
    """The slope in the logarithms over the longer half of the lengths, where what does not grow has faded."""
    late = points[-max(FEWEST_LENGTHS, math.ceil(len(points) / 2)) :]
    if len(late) < FEWEST_LENGTHS:
        return None
    from scipy import stats

    fit = stats.linregress([math.log(length) for length, _ in late], [math.log(value) for _, value in late])
    # a cost that does not change at all has no correlation with the length, and so no error either
    error = float(fit.stderr) if math.isfinite(fit.stderr) else 0.0
    half = float(stats.t.ppf(0.975, len(late) - 2)) * error
    exponent = float(fit.slope)
    return Growth(label, quantity, exponent, exponent - half, exponent + half, late[0][0])


def _crossing(a: Sequence[tuple[int, float]], b: Sequence[tuple[int, float]]) -> tuple[float, bool] | None:
    """The last length at which the cheaper of two changes, and whether it is the first of them from there on.

    None where they end up less than `CLEARLY` apart: two curves that lie on each other cross by chance.
    """
    others = dict(b)
    gaps = [(length, math.log(value / others[length])) for length, value in a if length in others]
    if not gaps or abs(gaps[-1][1]) < math.log(CLEARLY):
        return None
    for (left, before), (right, after) in reversed(list(itertools.pairwise(gaps))):
        if before * after < 0:
            # straight lines between the points of the log-log chart
            share = before / (before - after)
            return math.exp(math.log(left) + share * math.log(right / left)), after < 0
    return None
