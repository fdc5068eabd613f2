"""Forecasting: the losses and metrics by hand, both forms, missing numbers, levels of windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from blocks.embedding import SeriesEmbedding
from blocks.head import ForecastHead, TokenRegressionHead
from blocks.topology import Decoder, Encoder
from experiments.data import Series
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import Forecasting
from experiments.tasks.instance_norm import level
from registry import Builder, SpecError

N = 120


def series(home: Path, holes: int = 0, **options: Any) -> Series:
    random = np.random.default_rng(0)
    values = np.cumsum(random.normal(size=(N, 2)), axis=0) + np.array([0, 40])
    values[random.permutation(N)[:holes], 0] = np.nan
    lines = ["time,a,b", *(f"{i},{a},{b}" for i, (a, b) in enumerate(values.tolist()))]
    (home / "a.csv").write_text("\n".join(lines) + "\n")
    given: dict[str, Any] = {"path": str(home / "a.csv"), "context": 8, "horizon": 5, "season": 3, "batch_size": 6}
    return Series(0, **given | options)


def direct(data: Series, channels: int, types: int = 0, **options: Any) -> Forecasting:
    torch.manual_seed(1)
    model = Encoder(
        dim=16,
        layers=1,
        heads=2,
        embedding=Builder(SeriesEmbedding, {"channels": channels, "patch": 2, "types": types}),
        head=Builder(ForecastHead, {"horizon": 5, "patches": 4, "values": channels}),
    )
    return Forecasting(model.eval(), data, AdamW(), Constant(), **options)


def stepwise(data: Series, channels: int, types: int = 0, patch: int = 2, **options: Any) -> Forecasting:
    torch.manual_seed(1)
    model = Decoder(
        dim=16,
        layers=2,
        heads=2,
        embedding=Builder(SeriesEmbedding, {"channels": channels, "patch": patch, "types": types}),
        head=Builder(TokenRegressionHead, {"values": patch * channels}),
    )
    return Forecasting(model.eval(), data, AdamW(), Constant(), **options)


def first(data: Series, split: str = "valid") -> dict[str, Tensor]:
    batch: dict[str, Tensor] = next(iter(data.eval_loader(split)))
    return {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in batch.items()}


def sums(task: Forecasting, batches: Any) -> dict[str, float]:
    found: dict[str, float] = {}
    for batch in batches:
        for name, value in task.measure(batch).items():
            found[name] = found.get(name, 0.0) + float(value.detach())
    return found


def test_levels_by_hand() -> None:
    window = torch.tensor([[[1.0], [2.0], [6.0], [99.0]]])
    seen = torch.tensor([[[True], [True], [True], [False]]])
    at = level(window, seen, "mean")
    assert float(at.centre) == pytest.approx(3)
    assert float(at.scale) == pytest.approx(np.sqrt(14 / 3 + 1e-5))
    torch.testing.assert_close(at.back(at.to(window)), window)
    assert float(level(window, seen, "last").centre) == 6
    assert float(level(window, None, "last").centre) == 99
    assert (float(level(window, seen, "none").centre), float(level(window, seen, "none").scale)) == (0, 1)
    nothing = level(window, torch.zeros_like(seen), "mean")
    assert torch.isfinite(nothing.to(window)).all()


@pytest.mark.parametrize("norm", ["none", "mean", "last"])
@pytest.mark.parametrize("channels", ["together", "apart"])
def test_loss_of_the_direct_form_by_hand(norm: Any, channels: Any, tmp_path: Path) -> None:
    data = series(tmp_path, channels=channels)
    task = direct(data, 1 if channels == "apart" else 2, instance_norm=norm)
    batch = first(data)
    squares = []
    for row in range(len(batch["tokens"])):
        x, y = batch["tokens"][row], batch["targets"][row]
        centre, scale = {
            "none": (torch.zeros(1), torch.ones(1)),
            "mean": (x.mean(0), (x.var(0, unbiased=False) + 1e-5).sqrt()),
            "last": (x[-1], torch.ones(1)),
        }[norm]
        told = task.model(((x - centre) / scale)[None])[0] * scale + centre
        squares += ((told - y) ** 2).flatten().tolist()
    assert float(task.loss(batch).detach()) == pytest.approx(np.mean(squares))
    assert task.weight(batch) == len(squares)


def test_absolute_loss(tmp_path: Path) -> None:
    task = direct(series(tmp_path), 2, loss="mae")
    batch = first(task.series)
    right = float((task.forecast(batch) - batch["targets"]).abs().mean().detach())
    assert float(task.loss(batch).detach()) == pytest.approx(right)
    assert task.summarise(sums(task, [batch]))["loss"] == pytest.approx(right)


@pytest.mark.parametrize("channels", ["together", "apart"])
def test_metrics_by_hand(channels: Any, tmp_path: Path) -> None:
    data = series(tmp_path, channels=channels)
    task = direct(data, 1 if channels == "apart" else 2)
    batches = [
        {name: t.double() if t.is_floating_point() else t for name, t in batch.items()} for batch in data.eval_loader()
    ]
    found = task.summarise(sums(task, batches))
    errors = torch.cat([(task.forecast(batch) - batch["targets"]).detach() for batch in batches])
    train = data.scale.standardised(data.measured.values[: data.bounds["train"][1]]).astype(np.float64)
    naive = torch.from_numpy(np.abs(train[3:] - train[:-3]).mean(0))
    of_rows = naive[torch.cat([batch["channel"] for batch in batches])][:, None, None] if channels == "apart" else naive
    assert found["mse"] == found["loss"] == pytest.approx(float((errors**2).mean()))
    assert found["mae"] == pytest.approx(float(errors.abs().mean()))
    assert found["mase"] == pytest.approx(float((errors.abs() / of_rows).mean()), rel=1e-5)


def test_both_ways_of_reading_channels_give_references_of_one_scale(tmp_path: Path) -> None:
    """A model that says the last value has the error of the reference."""
    data = series(tmp_path, channels="apart")
    task = direct(data, 1, instance_norm="last")
    with torch.no_grad():
        for parameter in task.model.head.parameters():  # type: ignore[union-attr]
            parameter.zero_()
    batches = [
        {name: t.double() if t.is_floating_point() else t for name, t in batch.items()} for batch in data.eval_loader()
    ]
    last = next(r.value for r in data.references() if r.label == "last value")
    assert task.summarise(sums(task, batches))["mse"] == pytest.approx(last, rel=1e-6)


@pytest.mark.parametrize("norm", ["none", "last"])
@pytest.mark.parametrize("types", [0, 2])
def test_a_decoder_learns_at_every_place(types: int, norm: Any, tmp_path: Path) -> None:
    data = series(tmp_path, channels="apart")
    task = stepwise(data, 1, types, instance_norm=norm)
    batch = first(data)
    squares = []
    for row in range(len(batch["tokens"])):
        # of 13 steps, 12 are whole vectors
        whole = torch.cat([batch["tokens"][row], batch["targets"][row]])[:12]
        for end in range(2, 12, 2):
            kind = {"types": torch.full((1, end), int(batch["channel"][row]))} if types else {}
            said = task.model(whole[:end][None], **kind)[0, -1] + (whole[end - 1, 0] if norm == "last" else 0)
            squares += ((said - whole[end : end + 2, 0]) ** 2).tolist()
    assert float(task.loss(batch).detach()) == pytest.approx(np.mean(squares))


@pytest.mark.parametrize("types", [0, 2])
@pytest.mark.parametrize("norm", ["none", "mean", "last"])
def test_a_decoder_reads_what_it_has_told(norm: Any, types: int, tmp_path: Path) -> None:
    """The cache changes nothing: the whole window again for each vector."""
    data = series(tmp_path, channels="apart")
    task = stepwise(data, 1, types, instance_norm=norm)
    batch = first(data)
    found = task.forecast(batch)
    assert found.shape == batch["targets"].shape
    at = level(batch["tokens"], None, "none" if norm == "last" else norm)
    read = at.to(batch["tokens"])
    for _ in range(3):
        kinds = {"types": batch["channel"][:, None].expand(-1, read.shape[1])} if types else {}
        said = task.model(read, **kinds)[:, -1] + (read[:, -1] if norm == "last" else 0)
        read = torch.cat([read, said.unsqueeze(-1)], dim=1)
    torch.testing.assert_close(found, at.back(read[:, 8:13]))


@pytest.mark.parametrize("form", [direct, stepwise])
def test_missing_numbers_are_neither_read_nor_told(form: Any, tmp_path: Path) -> None:
    data = series(tmp_path, holes=30, missing="mask")
    task = form(data, 2)
    batch = first(data)
    assert not batch["seen"].all()
    assert not batch["known"].all()
    loud = dict(batch)
    loud["tokens"] = batch["tokens"].masked_fill(~batch["seen"], 1e6)
    loud["targets"] = batch["targets"].masked_fill(~batch["known"], 1e6)
    assert float(task.loss(loud).detach()) == pytest.approx(float(task.loss(batch).detach()))
    quiet, noisy = (sums(task, [b]) for b in (batch, loud))
    assert noisy == pytest.approx(quiet)
    assert quiet["known"] == int(batch["known"].sum())
    error = (task.forecast(batch) - batch["targets"])[batch["known"]]
    assert task.summarise(quiet)["mse"] == pytest.approx(float((error**2).mean().detach()))


def test_a_channel_that_is_never_wrong_has_no_mase(tmp_path: Path) -> None:
    lines = ["t,a,b", *(f"{i},{i % 3},{i % 3}" for i in range(N))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    data = Series(0, path=str(tmp_path / "a.csv"), context=8, horizon=5, season=3, batch_size=6)
    found = direct(data, 2)
    metrics = found.summarise(sums(found, [first(data)]))
    assert "mase" not in metrics
    assert np.isfinite(metrics["mse"])


def test_answers_in_the_units_of_the_file(tmp_path: Path) -> None:
    data = series(tmp_path)
    task = direct(data, 2, instance_norm="last")
    with torch.no_grad():
        for parameter in task.model.head.parameters():  # type: ignore[union-attr]
            parameter.zero_()
    items = data.items(tmp_path / "a.csv")
    batch = {n: t.double() if t.is_floating_point() else t for n, t in items.rows.batch(items.rows.keys(None)).items()}
    [answer] = task.answers(batch)
    last = data.measured.values[-1]
    assert answer["forecast"]["a"] == pytest.approx([last[0]] * 5, rel=1e-5)
    assert answer["forecast"]["b"] == pytest.approx([last[1]] * 5, rel=1e-5)
    assert isinstance(task.figure(batch, 0, answer), Figure)
    apart = series(tmp_path, channels="apart")
    each = direct(apart, 1, instance_norm="last")
    with torch.no_grad():
        for parameter in each.model.head.parameters():  # type: ignore[union-attr]
            parameter.zero_()
    batch = first(apart)
    answers = each.answers(batch)
    assert [answer["column"] for answer in answers] == ["a", "b"] * 3
    assert answers[1]["forecast"] == pytest.approx([data.measured.values[83, 1]] * 5, rel=1e-5)
    figure = each.figure(batch, 1, answers[1])
    assert [line.get_label() for line in figure.axes[0].lines[:3]] == ["read", "came", "told"]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda data: stepwise(data, 1).forecast(first(data)), r"model\.embedding|a series is"),
        (
            lambda data: direct(data, 2, types=2),
            r"model\.embedding\.types: is 2, but has to be 2 where channels are apart",
        ),
    ],
)
def test_models_for_other_data(make: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises((SpecError, ValueError), match=problem):
        make(series(tmp_path))


def test_a_head_of_another_size(tmp_path: Path) -> None:
    data = series(tmp_path, context=10)
    with pytest.raises(SpecError, match=r"model\.head\.patches: is 4, but 10 steps make 5 vectors of 2"):
        direct(data, 2)
    task = direct(series(tmp_path), 2)
    head = ForecastHead(16, horizon=5, patches=4, values=3).double()
    task.model.head = head
    with pytest.raises(SpecError, match=r"model\.head\.values: is 3, but there are 2 numbers to tell together"):
        task.forecast(first(task.series))
    encoder = Encoder(
        dim=16,
        layers=1,
        heads=2,
        embedding=Builder(SeriesEmbedding, {"channels": 2}),
        head=Builder(TokenRegressionHead, {"values": 2}),
    )
    with pytest.raises(SpecError, match="one after the other, which takes topology 'decoder'"):
        Forecasting(encoder, task.series, AdamW(), Constant())
