"""Series: parts in time order, windows that stay in them, numbers by the scale of the training part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from experiments.data import BadData, Series

N = 100


def series(home: Path, values: np.ndarray | None = None, **options: Any) -> Series:
    if values is None:
        values = np.stack([np.arange(N), np.arange(N) % 7 * 10 + 3], axis=1)
    lines = ["time,a,b", *(f"{i},{','.join(map(str, row))}" for i, row in enumerate(values.tolist()))]
    (home / "a.csv").write_text("\n".join(lines).replace("nan", "") + "\n")
    given: dict[str, Any] = {"path": str(home / "a.csv"), "context": 8, "horizon": 4, "season": 7, "batch_size": 5}
    return Series(0, **given | options)


def originals(data: Series, values: torch.Tensor) -> np.ndarray:
    """Channel a in the units of the file: its values are the numbers of the steps."""
    found: np.ndarray = values[..., 0].double().numpy() * data.scale.deviation[0] + data.scale.mean[0]
    return found.round(3)


def test_parts_in_time_order(tmp_path: Path) -> None:
    data = series(tmp_path)
    assert data.bounds == {"train": (0, 70), "valid": (70, 80), "test": (80, 100)}
    assert data.splits() == ["train", "valid", "test"]
    for split, (first, end) in data.bounds.items():
        rows = data.rows(split)
        batch = rows.batch(rows.keys(None))
        reads, tells = originals(data, batch["tokens"]), originals(data, batch["targets"])
        assert reads.shape[1] == 8
        assert tells.shape[1] == 4
        # what is told follows what is read, and lies in the part as a whole
        assert (np.diff(np.concatenate([reads, tells], axis=1)) == 1).all()
        assert tells.min() == max(first, 8)
        assert tells.max() == end - 1
        assert len(tells) == end - max(first, 8) - 3


def test_the_scale_is_that_of_the_training_part(tmp_path: Path) -> None:
    data = series(tmp_path)
    train = data.measured.values[:70]
    np.testing.assert_allclose(data.scale.mean, train.mean(0))
    np.testing.assert_allclose(data.scale.deviation, train.std(0))
    # a rises by 7 in a season, b repeats itself
    np.testing.assert_allclose(data.scale.naive, [7 / train[:, 0].std(), 0], atol=1e-12)
    later = data.measured.values.copy()
    later[70:] *= 100
    assert series(tmp_path, later).scale == data.scale


def test_together_or_apart(tmp_path: Path) -> None:
    together, apart = series(tmp_path), series(tmp_path, channels="apart")
    assert together.shape() == {"embedding.channels": 2, "head.horizon": 4}
    assert apart.shape() == {"embedding.channels": 1, "head.horizon": 4}
    both, each = together.rows("valid"), apart.rows("valid")
    assert len(each) == 2 * len(both) == 14
    a, b = both.batch(both.keys(None)), each.batch(each.keys(None))
    assert b["channel"].tolist() == [0, 1] * 7
    for name in ("tokens", "targets"):
        torch.testing.assert_close(b[name][0::2], a[name][:, :, :1])
        torch.testing.assert_close(b[name][1::2], a[name][:, :, 1:])
    assert together.positions({"topology": "encoder", "embedding": {"patch": 4}}) == 2
    assert together.positions({"topology": "decoder", "embedding": {"patch": 4}}) == 3


def test_batches_follow_from_the_seed_and_go_on_after_a_stop(tmp_path: Path) -> None:
    def batches(data: Series, count: int) -> list[torch.Tensor]:
        loader = iter(data.train_loader())
        return [next(loader)["tokens"] for _ in range(count)]

    whole, again = batches(series(tmp_path), 30), batches(series(tmp_path), 30)
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
    loader, resumed = series(tmp_path).train_loader(), series(tmp_path).train_loader()
    begun = iter(loader)
    for _ in range(17):
        next(begun)
    resumed.load_state_dict(loader.state_dict())
    rest = iter(resumed)
    assert all(torch.equal(next(rest)["tokens"], tokens) for tokens in whole[17:])


def test_missing_numbers_are_marked(tmp_path: Path) -> None:
    values = np.stack([np.arange(N), np.arange(N) * 2.0], axis=1)
    values[66], values[68, 0], values[71, 1] = np.nan, np.nan, np.nan
    with pytest.raises(BadData, match=r"a\.csv:68: column 'a' is missing"):
        series(tmp_path, values).prepare()
    data = series(tmp_path, values, missing="mask")
    rows = data.rows("valid")
    batch = rows.batch(rows.keys(None)[:1])
    # steps 62 to 69 are read, 70 to 73 told
    assert batch["valid"].tolist() == [[True] * 4 + [False] + [True] * 3]
    assert batch["seen"][0, :, 0].tolist() == [True] * 4 + [False, True, False, True]
    assert batch["known"][0, :, 1].tolist() == [True, False, True, True]
    assert torch.isfinite(batch["tokens"]).all()
    assert not batch["tokens"][0, 4].any()
    assert np.isfinite(data.scale.mean).all()
    assert all(np.isfinite(reference.value) for reference in data.references())
    assert "valid" not in series(tmp_path).rows("valid").batch(rows.keys(None))


def test_a_constant_channel(tmp_path: Path) -> None:
    values = np.stack([np.arange(N), np.full(N, 0.1)], axis=1)
    data = series(tmp_path, values)
    assert data.about()["constant_channels"] == ["b"]
    assert (data.scale.deviation[1], data.scale.naive[1]) == (1.0, 0.0)
    rows = data.rows("train")
    assert float(rows.batch(rows.keys(None))["tokens"][..., 1].abs().max()) < 1e-6


@pytest.mark.parametrize(
    ("steps", "options", "problem"),
    [
        (15, {}, r"too short: the 10 steps of train, of 15, have no room for windows of 8 \+ 4"),
        (30, {}, "too short: the 3 steps of valid, of 30, have no room for 4 to tell"),
        (N, {"context": 90}, r"the 70 steps of train, of 100, have no room for windows of 90 \+ 4"),
        (N, {"season": 70}, "70 steps to train on are not more than a season of 70: data.season"),
    ],
)
def test_too_short(steps: int, options: dict[str, Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=problem):
        series(tmp_path, np.arange(2.0 * steps).reshape(steps, 2), **options).prepare()


def test_references_by_hand(tmp_path: Path) -> None:
    data = series(tmp_path, season=7)
    z = data.scale.standardised(data.measured.values).astype(np.float64)
    errors: dict[str, list[float]] = {"last value": [], "seasonal naive": [], "training mean": []}
    for start in range(70, 77):
        for ahead in range(4):
            for channel in range(2):
                truth = z[start + ahead, channel]
                errors["last value"].append((z[start - 1, channel] - truth) ** 2)
                errors["seasonal naive"].append((z[start + ahead - 7, channel] - truth) ** 2)
                errors["training mean"].append(truth**2)
    found = {reference.label: reference.value for reference in data.references()}
    assert found == pytest.approx({name: np.mean(each) for name, each in errors.items()})
    assert {reference.metric for reference in data.references()} == {"valid/mse"}


def test_a_horizon_of_several_seasons(tmp_path: Path) -> None:
    """The last season known is repeated: b repeats itself after 7 steps, so nothing is wrong."""
    data = series(tmp_path, horizon=9, columns=["b"])
    found = {reference.label: reference.value for reference in data.references()}
    assert found["seasonal naive"] == pytest.approx(0, abs=1e-12)


def test_new_series(tmp_path: Path) -> None:
    data = series(tmp_path, channels="apart")
    data.save(tmp_path)
    later = series(tmp_path, channels="apart")
    later.path = tmp_path / "gone.csv"
    later.load(tmp_path)
    (tmp_path / "new.csv").write_text("when,b,a\n" + "".join(f"{i},{i},{i + 500}\n" for i in range(12)))
    items = later.items(tmp_path / "new.csv")
    assert list(items.inputs) == ["new.csv: a", "new.csv: b"]
    batch = items.rows.batch(items.rows.keys(None))
    assert set(batch) == {"tokens", "channel"}
    assert originals(data, batch["tokens"])[0].tolist() == list(range(504, 512))
    assert len(series(tmp_path).items(tmp_path / "new.csv").inputs) == 1
    with pytest.raises(BadData, match="a series comes as a file, not as a text"):
        later.items("1 2 3")
    (tmp_path / "short.csv").write_text("t,a,b\n1,2,3\n")
    with pytest.raises(BadData, match=r"short\.csv: 1 steps, but 8 are read: data\.context"):
        later.items(tmp_path / "short.csv")


@pytest.mark.parametrize(
    ("corpus", "steps", "channels"),
    [
        ("weather", 8730, 24),
        ("us_births_daily_1969_1988", 7305, 1),
        ("co2_weekly", 2284, 1),
        ("elnino_sst_monthly", 732, 1),
        ("sunspots_yearly", 309, 1),
    ],
)
def test_shipped_series(corpus: Any, steps: int, channels: int) -> None:
    about = Series(0, corpus=corpus, context=24, horizon=12, season=11).about()
    assert (about["steps"], len(about["channels"])) == (steps, channels)
