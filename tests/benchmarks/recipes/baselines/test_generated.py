"""Baselines of the tasks that are made by rule, by hand on a few rows."""

from __future__ import annotations

import math

import pytest

from benchmarks.recipes.baselines import generated
from experiments.data.generated import Pathfinder
from experiments.data.generated.dashes import Drawing
from experiments.data.generated.dice import Dice


def test_dots_that_are_near_count_as_joined() -> None:
    data = Pathfinder(0, dashes=3, distractors=0, held_out=60)
    train, test = (data.drawings(Dice(range(60), stream)) for stream in (0, 2))

    def share(least: float, drawings: list[Drawing]) -> float:
        return sum((math.dist(*d.dots) < least) == d.joined for d in drawings) / 60

    best = max(sorted(math.dist(*d.dots) for d in train), key=lambda least: share(least, train))
    found = generated.by_distance(data, train=60)
    assert found.value == pytest.approx(share(best, test))
    assert found.value > 0.7
    assert found.metric == "test/accuracy"


@pytest.mark.parametrize("name", ["regression", "pathfinder"])
def test_they_are_of_the_test_split_of_the_recipe(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = generated._options
    monkeypatch.setattr(generated, "_options", lambda spec: {**kept(spec), "held_out": 20})
    found = getattr(generated, name)()
    assert found
    assert all(reference.metric.startswith("test/") for reference in found)
