"""Growth and crossovers of costs that are known."""

from __future__ import annotations

import math

import pytest

from experiments.results.profile import Cost, Profile, read_profile

LENGTHS = (512, 1024, 2048, 4096, 8192)


def quadratic(label: str = "full") -> list[Cost]:
    return [Cost(label, n, train_ms=1e-5 * n**2, cache_mb=1e-3 * n) for n in LENGTHS]


def linear(label: str = "performer") -> list[Cost]:
    return [Cost(label, n, train_ms=0.03 * n, cache_mb=0.5) for n in LENGTHS]


def test_exponents_are_those_of_the_costs() -> None:
    growth = {(g.label, g.quantity): g for g in Profile((*quadratic(), *linear())).growth}
    assert growth["full", "train_ms"].exponent == pytest.approx(2)
    assert growth["performer", "train_ms"].exponent == pytest.approx(1)
    assert growth["performer", "cache_mb"].exponent == pytest.approx(0, abs=1e-12)
    assert growth["full", "train_ms"].from_length == 2048
    assert ("full", "decode_ms") not in growth


def test_the_interval_of_an_exponent_covers_the_noise() -> None:
    noisy = [Cost("a", n, train_ms=n**1.5 * (1.05 if i % 2 else 0.95)) for i, n in enumerate(LENGTHS)]
    (growth,) = Profile(tuple(noisy)).growth
    assert growth.low < 1.5 < growth.high and growth.high - growth.low > 0.01


def test_a_fixed_part_of_the_cost_does_not_hide_the_growth() -> None:
    costs = tuple(Cost("a", n, train_ms=100 + 1e-4 * n**2) for n in LENGTHS)
    (growth,) = Profile(costs).growth
    assert growth.exponent > 1.8


def test_two_lengths_say_nothing_of_growth() -> None:
    assert Profile(tuple(quadratic()[:2])).growth == ()


def test_the_crossover_is_where_the_curves_meet() -> None:
    found = {c.quantity: c for c in Profile((*quadratic(), *linear())).crossovers}
    assert (found["train_ms"].better, found["train_ms"].worse) == ("performer", "full")
    assert found["train_ms"].length == pytest.approx(3000, rel=0.01)
    assert "cache_mb" not in found


def test_curves_that_lie_on_each_other_do_not_cross() -> None:
    wobbly = [Cost("b", n, train_ms=1e-5 * n**2 * (1.02 if i % 2 else 0.98)) for i, n in enumerate(LENGTHS)]
    assert Profile((*quadratic(), *wobbly)).crossovers == ()


def test_what_is_written_is_read_again() -> None:
    failed = Cost("full", 16384, {"model.attention": "full"}, 1000, 2.0, failed="out of memory")
    written = Profile((*quadratic(), failed), 2, "2026-01-01", "swapformer profile", {"torch": "2"})
    assert read_profile(written.content()) == written


def test_damaged_rows_are_left_out() -> None:
    rows = [{"label": "a", "length": 8, "train_ms": math.inf}, {"length": "x"}, 3, {"label": "b"}]
    assert read_profile({"rows": rows}).costs == (Cost("a", 8),)
