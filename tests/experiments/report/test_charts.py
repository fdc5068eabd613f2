"""Charts: what they are made of, what Plotly takes, and colours that all can tell apart."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from experiments.report import bands as bands_module
from experiments.report.bands import bands, thin, x_axes
from experiments.report.bars import EDGE, WIDTH, bar
from experiments.report.costs import COSTS, pareto, points
from experiments.report.curve_charts import curve_panels
from experiments.report.figure import embedded, log_axis, rounded
from experiments.report.findings import findings_of
from experiments.report.forest_chart import forest_chart
from experiments.report.look import COLOURS, DASHES, FILLS, SIGNS, STROKES, SYMBOLS, look_of
from experiments.report.page import _asset, _charts
from experiments.report.profile_charts import order
from experiments.results import Curve, read_results

METRIC = "valid/bits_per_byte"
# Machado, Oliveira and Fernandes 2009, severity 1: how those see who lack one kind of cone; linear RGB.
SIGHT = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def linear(colour: str) -> np.ndarray:
    found = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(found <= 0.04045, found / 12.92, ((found + 0.055) / 1.055) ** 2.4)


def oklab(light: np.ndarray) -> np.ndarray:
    """Ottosson 2020: distances are as large as they look."""
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    turn = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return turn @ np.cbrt(cones @ light)


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_are_apart_for_everybody(sight: str) -> None:
    seen = [oklab(np.clip(np.array(SIGHT[sight]) @ linear(colour), 0, 1)) for colour in COLOURS]
    nearest = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))
    # about four times what is just noticed
    assert nearest > 0.08


def test_colours_hold_on_paper_and_in_the_dark() -> None:
    for colour in COLOURS:
        luminance = float(linear(colour) @ [0.2126, 0.7152, 0.0722])
        assert 1.05 / (luminance + 0.05) > 2.2
        assert (luminance + 0.05) / 0.059 > 2.2


def test_the_style_sheet_repeats_the_colours() -> None:
    style = _asset("report.css")
    for number, colour in enumerate(COLOURS):
        assert f".c{number} {{ color: {colour}; }}" in style


def test_nothing_hangs_on_colour_alone(rich_sweep: Path) -> None:
    plan = read_results(rich_sweep).plan
    look = look_of(plan)
    assert (look.colour_axis, look.symbol_axis, look.fill_axis) == ("model.attention", "model.position", "model.dim")
    assert len({(look.colour(v), look.symbol(v)) for v in plan.variants}) == len(plan.variants)
    assert len({(look.colour(v), look.dash(v), look.stroke(v)) for v in plan.variants}) == len(plan.variants)
    one_axis = look_of(type(plan)(**{**vars(plan), "axes": {"model.attention": plan.axes["model.attention"]}}))
    by_colour = {one_axis.colour(v): one_axis.symbol(v) for v in plan.variants}
    assert len(set(by_colour.values())) == len(by_colour) == 4
    assert len(SIGNS) == len(SYMBOLS) and len(FILLS) == len(STROKES) and len(set(DASHES)) == len(DASHES)


@pytest.mark.parametrize("options", [{"rich": True, "seeds": (0, 1, 2)}, {"seeds": (0,)}, {"hostile": True}])
def test_plotly_takes_every_trace_and_layout(make_sweep: Callable[..., Path], options: dict[str, object]) -> None:
    results = read_results(make_sweep(**options))
    charts = _charts(findings_of(results), look_of(results.plan))["all"]
    assert len({chart.id for chart in charts}) == len(charts) > 5
    for chart in charts:
        go.Figure(data=chart.traces, layout=chart.layout)
        # plain numbers and text only
        json.dumps(chart.content(), allow_nan=False)


def test_forest_shows_the_interval_that_agrees_with_the_verdict(rich_sweep: Path) -> None:
    results = read_results(rich_sweep)
    chart = forest_chart(results, look_of(results.plan))
    assert chart is not None
    corrected = 0
    for place, row in enumerate(row for row in results.ranked if row.difference):
        found = row.difference
        ends = [trace["x"] for trace in chart.traces if trace["mode"] == "lines" and trace["y"] == [place, place]]
        assert found is not None
        if found.tested:
            # thin and corrected, thick and alone
            assert ends == [rounded([found.low_all, found.high_all]), rounded([found.low, found.high])]
            assert ends[0][0] <= ends[1][0]
            corrected += ends[0][0] < ends[1][0]
        else:
            assert ends == ([] if found.low is None else 2 * [rounded([found.low, found.high])])
    assert corrected > 5
    band = chart.layout["shapes"][0]
    assert results.noise is not None
    assert (band["x0"], band["x1"]) == tuple(rounded([-results.noise.difference, results.noise.difference]))


def test_without_a_baseline_means_are_drawn(make_sweep: Callable[..., Path]) -> None:
    folder = make_sweep()
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**plan, "baseline": None}))
    results = read_results(folder)
    chart = forest_chart(results, look_of(results.plan))
    assert chart is not None
    assert chart.title == "Means with intervals"
    assert len([trace for trace in chart.traces if "hovertemplate" in trace]) == len(results.ranked)


def test_bands_are_t_intervals_over_the_seeds(rich_sweep: Path) -> None:
    results = read_results(rich_sweep)
    found = {band.row.label: band for band in bands(results, METRIC)}
    band = found["full / rotary / 64"]
    assert band.low is not None and band.high is not None
    values = [trial.curves[METRIC].values[-1] for trial in band.row.trials]
    half = 4.302652729911275 * np.std(values, ddof=1) / np.sqrt(3)
    assert band.mean.values[-1] == pytest.approx(np.mean(values))
    assert band.high[-1] - band.mean.values[-1] == pytest.approx(half)
    two = found["longformer / sinusoidal / 128"]
    assert two.low is None and len(two.singles) == 2


def test_flops_and_time_may_stand_below_the_curves(rich_sweep: Path, make_sweep: Callable[..., Path]) -> None:
    found = bands(read_results(rich_sweep), METRIC)
    assert x_axes(found) == ["step", "seconds", "flops"]
    full = next(band for band in found if band.row.label == "full / rotary / 64")
    assert full.per_step == pytest.approx(3 * 1.2e6 * 2048)
    folder = make_sweep()
    for path in folder.glob("trials/*/summary.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "flops_per_token": None}))
    assert x_axes(bands(read_results(folder), METRIC)) == ["step", "seconds"]


def test_curves_of_many_trials_are_thinned(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = read_results(sweep)
    full = [len(line.steps) for band in bands(results, "train/loss") for line in band.singles]
    assert max(full) == 40
    monkeypatch.setattr(bands_module, "ALL_POINTS", 640)
    thinned = [len(line.steps) for band in bands(results, "train/loss") for line in band.singles]
    assert max(thinned) == 20


def test_panels_share_their_lines(rich_sweep: Path) -> None:
    results = read_results(rich_sweep)
    curves = curve_panels(results, look_of(results.plan), METRIC, "valid")
    assert curves is not None
    assert [panel.chart.title for panel in curves.panels] == ["full", "longformer", "performer", "linformer"]
    everyone = set(range(len(results.plan.variants)))
    for panel in curves.panels:
        own = {trace["meta"]["v"] for trace in panel.chart.traces if trace["meta"].get("mean")}
        assert own | set(panel.chart.traces[0]["meta"]["others"]) == everyone
        assert {variant for key in panel.keys for variant in key.variants} == own


def test_thinning_keeps_the_mean() -> None:
    curve = Curve(tuple(range(1000)), (0.0,) * 1000, (*(float(k % 7) for k in range(999)), float("nan")))
    line = thin(curve, most=100)
    assert len(line.steps) == len(line.values) == len(line.seconds) == 100
    assert list(line.steps) == sorted(line.steps)
    assert sum(line.values) / 100 == pytest.approx(3.0, abs=0.05)
    short = thin(Curve((1, 2), (0.5, 1.5), (5.0, 6.0)))
    assert (short.steps, short.seconds, short.values) == ((1, 2), (0.5, 1.5), (5.0, 6.0))


def test_pareto_front() -> None:
    assert pareto([(1, 5), (2, 4), (3, 4), (4, 1), (2, 6)]) == {0, 1, 3}
    # equals do not push each other out
    assert pareto([(1, 1), (1, 1)]) == {0, 1}
    assert pareto([]) == set()


def test_no_point_of_a_front_is_beaten(rich_sweep: Path) -> None:
    results = read_results(rich_sweep)
    for cost in COSTS:
        found = points(results, cost)
        for point in found:
            beaten = any(p.cost <= point.cost and p.value < point.value for p in found)
            assert point.front != beaten


def test_goals_turn_the_front_around(make_sweep: Callable[..., Path]) -> None:
    folder = make_sweep()
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**plan, "metric": {"name": METRIC, "goal": "maximize"}}))
    found = points(read_results(folder), COSTS[2])
    assert max(found, key=lambda point: point.value).front


def test_ticks_of_logarithmic_axes() -> None:
    axis = log_axis([64_000, 770_000])
    assert axis["ticktext"] == ["100k", "200k", "300k", "500k"]
    assert axis["range"][0] < np.log10(64_000) and axis["range"][1] > np.log10(770_000)
    flat = log_axis([1.0, 1.01], least=4.0)
    assert flat["range"] == pytest.approx([np.log10(np.sqrt(1.01) / 2), np.log10(np.sqrt(1.01) * 2)], abs=1e-5)
    assert len(log_axis([1e-3, 1e9])["tickvals"]) > 1
    for low, high in itertools.product((1e-9, 0.3, 7.0, 123.0), (1.0001, 1.5, 2.9, 50.0)):
        assert len(log_axis([low, low * high], least=1.1)["tickvals"]) >= 1


def test_bars_stay_inside_their_picture() -> None:
    found = bar(5.0, -100.0, 100.0, (0.0, 10.0), (0.0, 10.0), mark=20.0)
    assert (found.low, found.high, found.mark) == (0.0, WIDTH, None)
    assert found.dot == WIDTH / 2
    assert found.ticks == (EDGE, WIDTH - EDGE)


def test_embedded_data_cannot_leave_their_element() -> None:
    text = embedded({"</script><!--": [float("nan"), float("inf"), 1.5, None, True, "\u2028\ud800&", Path("a")]})
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == {"</script><!--": [None, None, 1.5, None, True, "\u2028\ud800&", "a"]}


def test_orders_of_growth() -> None:
    assert [order(value) for value in (-0.02, 1.1, 1.4, 2.04, 3.0, 4.0)] == [
        "O(1)", "O(n)", "n^1.40", "O(n\u00b2)", "O(n\u00b3)", "n^4.00",
    ]  # fmt: skip
