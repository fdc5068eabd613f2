"""The linear forecasts against a solver of least squares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.recipes.baselines import series
from experiments.data import Series


@pytest.fixture
def data(tmp_path: Path) -> Series:
    random = np.random.default_rng(0)
    values = np.cumsum(random.normal(size=(150, 2)), axis=0)
    lines = ["time,a,b", *(f"{i},{a},{b}" for i, (a, b) in enumerate(values.tolist()))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    return Series(0, path=str(tmp_path / "a.csv"), context=4, horizon=3, season=5)


def windows(z: np.ndarray, first: int, end: int, context: int) -> tuple[np.ndarray, np.ndarray]:
    starts = range(max(first, context), end - 2)
    return np.array([z[s - context : s] for s in starts]), np.array([z[s : s + 3] for s in starts])


def test_a_map_for_each_channel_is_the_ridge_solution(data: Series) -> None:
    z = data.scale.standardised(data.measured.values).astype(np.float64)
    x, y = windows(z, 0, 105, 6)
    found = next(m for m in series.fitted(data, 6, shared=False, from_last=False) if m.ridge == 10.0)
    held_x, held_y = windows(z, 105, 120, 6)
    errors = []
    for channel in range(2):
        a, b = x[:, :, channel], y[:, :, channel]
        centred = np.concatenate([a - a.mean(0), np.sqrt(10.0) * np.eye(6)])
        matrix, *_ = np.linalg.lstsq(centred, np.concatenate([b - b.mean(0), np.zeros((6, 3))]), rcond=None)
        np.testing.assert_allclose(found.matrices[channel], matrix, rtol=1e-7)
        said = (held_x[:, :, channel] - a.mean(0)) @ matrix + b.mean(0)
        errors.append(np.mean((said - held_y[:, :, channel]) ** 2))
    assert series.squared_error(data, found, "valid") == pytest.approx(np.mean(errors))


def test_levels_from_the_last_value(data: Series) -> None:
    """No map at all says the last value."""
    model = series.Linear(4, 0.0, True, True, np.zeros((2, 4, 3)), np.zeros((2, 3)))
    last = next(r.value for r in data.simple_forecasts("test") if r.label == "last value")
    assert series.squared_error(data, model, "test") == pytest.approx(last)


def test_what_the_bars_name(data: Series) -> None:
    found = [*series.references(data, (4, 6)), series.joint(data, (2, 4))]
    assert [r.label for r in found] == [
        "last value",
        "seasonal naive",
        "training mean",
        "linear",
        "linear, all channels",
    ]
    assert {r.metric for r in found} == {"test/mse"}
