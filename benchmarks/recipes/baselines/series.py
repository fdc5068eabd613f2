"""What needs no network to forecast: the last value, the value one season before, and a linear map of the window."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.data.series import Series
from experiments.results.plan import Reference

RIDGES = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4)


def weather() -> list[Reference]:
    """A day of hourly weather, by windows of up to a week; of all channels together, up to a day."""
    data = Series(corpus="weather", horizon=24, season=24)
    return [*references(data, (24, 48, 96, 168)), joint(data, (6, 12, 24))]


def births() -> list[Reference]:
    """24 days of births, by windows of up to a year."""
    return references(Series(corpus="us_births_daily_1969_1988", horizon=24, season=7), (28, 56, 112, 168, 364))


def references(data: Series, contexts: Sequence[int]) -> list[Reference]:
    """Mean squared error of each on the test part, standardised by the training part."""
    best = chosen(data, contexts)
    words = (
        f"least squares from the last {best.context} steps to all {data.horizon} at once, "
        f"{'one map for all channels' if best.shared else 'a map for each channel'}, ridge {best.ridge:g}"
        f"{', levels taken from the last value' if best.from_last else ''}; chosen on valid"
    )
    error = squared_error(data, best, "test")
    return [*data.simple_forecasts("test"), Reference("linear", "test/mse", error, words)]


def joint(data: Series, contexts: Sequence[int]) -> Reference:
    """A linear map from all channels to all channels, a vector autoregression; more than DLinear, which has none."""
    best = (float("inf"), 0.0, "")
    for context in contexts:
        sides = {split: together(data, context, split) for split in ("train", "valid", "test")}
        x_mean, y_mean = (side.mean(0) for side in sides["train"])
        x, y = sides["train"][0] - x_mean, sides["train"][1] - y_mean
        squares, products = x.T @ x, x.T @ y
        for ridge in RIDGES:
            matrix = np.linalg.solve(squares + ridge * np.eye(len(squares)), products)
            valid, test = (
                float(np.mean(np.square((sides[split][0] - x_mean) @ matrix + y_mean - sides[split][1])))
                for split in ("valid", "test")
            )
            best = min(best, (valid, test, f"the last {context} steps, ridge {ridge:g}"))
    words = f"least squares from {best[2]}, of all channels to all channels; chosen on valid"
    return Reference("linear, all channels", "test/mse", best[1], words)


def together(data: Series, context: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Windows of all channels and what follows them, float64 [w (context c)] and [w (horizon c)]."""
    x, y = (side.transpose(1, 2, 0) for side in pairs(data, context, split, from_last=False))
    return x.reshape(len(x), -1), y.reshape(len(y), -1)


@dataclass(frozen=True)
class Linear:
    """y = W x + b, the class of functions of DLinear and, from the last value, of NLinear (Zeng et al. 2022).

    matrices: [c context horizon]; offsets: [c horizon].
    """

    context: int
    ridge: float
    shared: bool
    from_last: bool
    matrices: np.ndarray
    offsets: np.ndarray


def chosen(data: Series, contexts: Sequence[int]) -> Linear:
    """The map that does best on valid."""
    kinds = itertools.product(contexts, (False, True), (False, True))
    candidates = (model for kind in kinds for model in fitted(data, *kind))
    return min(candidates, key=lambda model: squared_error(data, model, "valid"))


def fitted(data: Series, context: int, shared: bool, from_last: bool) -> list[Linear]:
    """A map for each ridge, from the windows of the training part."""
    x, y = pairs(data, context, "train", from_last)
    channels = x.shape[0]
    if shared:
        x, y = x.reshape(1, -1, context), y.reshape(1, -1, y.shape[-1])
    # differences from the last value need no constant beside them
    x_mean, y_mean = (0 * side[:, :1] if from_last else side.mean(1, keepdims=True) for side in (x, y))
    x, y = x - x_mean, y - y_mean
    squares, products = x.transpose(0, 2, 1) @ x, x.transpose(0, 2, 1) @ y
    found = []
    for ridge in RIDGES:
        matrices = np.linalg.solve(squares + ridge * np.eye(context), products)
        offsets = (y_mean - x_mean @ matrices)[:, 0]
        each = [np.broadcast_to(a, (channels, *a.shape[1:])) for a in (matrices, offsets)]
        found.append(Linear(context, ridge, shared, from_last, *each))
    return found


def squared_error(data: Series, model: Linear, split: str) -> float:
    x, y = pairs(data, model.context, split, model.from_last)
    return float(np.mean(np.square(x @ model.matrices + model.offsets[:, None] - y)))


def pairs(data: Series, context: int, split: str, from_last: bool) -> tuple[np.ndarray, np.ndarray]:
    """Windows and what follows them, float64 [c w context] and [c w horizon]."""
    values = data.rows(split).values.numpy().astype(np.float64)
    first, end = data.bounds[split]
    starts = np.arange(max(first, context), end - data.horizon + 1)[:, None]
    x, y = values[starts + np.arange(-context, 0)], values[starts + np.arange(data.horizon)]
    x, y = x.transpose(2, 0, 1), y.transpose(2, 0, 1)
    last = x[..., -1:] if from_last else 0.0
    return x - last, y - last
