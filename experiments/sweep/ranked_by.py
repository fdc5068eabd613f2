"""What variants are ranked by."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.data import Data
from experiments.results.plan import Metric
from registry.errors import Problem, SpecError
from registry.load import Loaded


def ranked_by(loaded: Loaded, data: Iterable[Data]) -> Metric:
    """The spec's metric; with `tune`, the same one of test data, since validation data have chosen the settings.

    Raises SpecError where data that are needed for it have no test split.
    """
    metric = Metric(**loaded.full["metric"])
    if not loaded.full["sweep"] or not loaded.full["sweep"]["tune"]:
        return metric
    if not all("test" in one.splits() for one in data):
        message = (
            f"chooses settings by {metric.name}, so the comparison needs test data, which nothing was chosen by: give "
            "data.test a file"
        )
        raise SpecError([Problem("sweep.tune", message, loaded.composed.key_place(("sweep", "tune")))])
    return Metric(f"test/{metric.name.removeprefix('valid/')}", metric.goal)
