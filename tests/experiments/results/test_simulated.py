"""The benchmark of the statistics, in short: coverage, false alarms and power on simulated sweeps.

Bounds are four standard errors of the share that is simulated, so that they catch a wrong formula and not bad luck: the
usual mistakes (1.96 standard errors, no correction, tests that are not paired) are off by far more.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.figures import Table, repeats_of
from benchmarks.seed_numbers import more_seeds, needed
from benchmarks.simulated_sweeps import Generator
from benchmarks.statistics import PARTS, main
from benchmarks.structures import factors, growth
from benchmarks.verdicts import coverage, detection, false_alarms, no_baseline, noise_floor


@pytest.fixture
def rng() -> Generator:
    return np.random.default_rng(0)


def column(table: Table, name: str, **where: str) -> list[float]:
    """The figures of a column, of the rows that have these words."""
    kept = [row for row in table.rows if all(row[table.columns.index(key)] == word for key, word in where.items())]
    return [float(row[table.columns.index(name)].split(" ")[0]) for row in kept]


def four_errors(percent: float, repeats: int) -> float:
    return 4 * math.sqrt(percent * (100 - percent) / repeats)


def test_coverage(rng: Generator) -> None:
    table, error = coverage(rng, 0.05), four_errors(95, repeats_of(1200, 0.05))
    for name in ("mean", "difference", "difference, unequal spread"):
        assert all(abs(value - 95) <= error for value in column(table, name, spread="normal"))
    # the difference of two skewed values is not skewed
    assert all(value >= 95 - error for value in column(table, "difference"))


@pytest.mark.slow
def test_false_alarms(rng: Generator) -> None:
    table = false_alarms(rng, 0.1)
    assert max(column(table, "Holm")) <= 5 + four_errors(5, repeats_of(400, 0.1))
    assert min(column(table, "uncorrected", variants="20")) > 25


def test_false_alarms_without_a_baseline(rng: Generator) -> None:
    table, error = no_baseline(rng, 0.1), four_errors(5, repeats_of(400, 0.1))
    assert all(value <= 5 + error for name in table.columns[1:] for value in column(table, name))


@pytest.mark.slow
def test_power_is_what_the_formula_says(rng: Generator) -> None:
    for row in detection(rng, 0.15).rows:
        for cell in row[2:]:
            seen, said = (float(word.strip("()")) for word in cell.split(" "))
            assert abs(seen - said) <= four_errors(min(95, max(5, said)), repeats_of(400, 0.15)) + 3


def test_numbers_of_seeds_have_the_power_that_they_promise(rng: Generator) -> None:
    table = needed(rng, 0.1)
    assert min(column(table, "power with N")) >= 80 - four_errors(80, repeats_of(1500, 0.1))
    # the smallest numbers are whole, and may do more
    assert max(column(table, "power with N", effect="0.5")) <= 80 + 4 + four_errors(80, repeats_of(1500, 0.1))


def test_adding_seeds_keeps_the_promise(rng: Generator) -> None:
    table = more_seeds(rng, 0.1)
    assert min(column(table, "coverage")) >= 95 - four_errors(95, repeats_of(400, 0.1))
    assert max(column(table, "false alarms")) <= 5 + four_errors(5, repeats_of(400, 0.1))


@pytest.mark.slow
def test_noise_floor(rng: Generator) -> None:
    table, error = noise_floor(rng, 0.1), four_errors(95, repeats_of(1200, 0.1))
    assert all(abs(value - 95) <= error + 2 for value in column(table, "within", spread="normal"))


@pytest.mark.slow
def test_effects_are_found_as_they_were_made(rng: Generator) -> None:
    table = factors(rng, 0.15)
    # nine effects a sweep, which hang together
    assert min(column(table, "coverage")) >= 95 - four_errors(95, 3 * repeats_of(200, 0.15))
    assert max(column(table, "false interactions")) <= 5 + four_errors(5, repeats_of(200, 0.15))


@pytest.mark.slow
def test_exponents_are_found_as_they_were_made(rng: Generator) -> None:
    table, repeats = growth(rng, 0.3), repeats_of(40, 0.3)
    assert min(column(table, "exponent")) >= 95 - four_errors(95, 2 * repeats)
    assert max(column(table, "false floor")) <= 5 + four_errors(5, 2 * repeats)
    assert min(column(table, "true floor seen")) == 100
    assert max(column(table, "parallel")) == 0
    assert column(table, "crossing", seeds="10") == [100.0]


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--scale", "0.001", "needed"])
    out = capsys.readouterr().out
    assert out.startswith("## Would need about N seeds\n")
    assert out.count("\n## ") == 0
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "coverage" in capsys.readouterr().err
    assert set(PARTS) >= {"coverage", "false_alarms", "needed"}
