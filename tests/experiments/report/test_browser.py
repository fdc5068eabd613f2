"""The report in a real browser: it works there, it is readable there, and nothing gets out of its names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Opened, chromium, opened
from playwright.sync_api import Browser
from written_sweep import write_sweep

from experiments.report import build_report
from experiments.results import read_results

pytestmark = pytest.mark.browser

PLACES = """() => [...document.querySelectorAll('#ranking > tbody')]
  .filter(body => !body.hidden).map(body => body.dataset.variant ?? 'x')"""
CELLS = """column => [...document.querySelectorAll('#ranking > tbody')]
  .map(body => body.rows[0].cells[column]?.dataset.v ?? '')"""
OPACITY = (
    """([id, v]) => document.getElementById(id).data.filter(t => t.meta?.v === v && t.meta?.mean).map(t => t.opacity)"""
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def rich_report(rich_sweep: Path) -> Path:
    return build_report(rich_sweep)


@pytest.fixture
def rich(browser: Browser, rich_report: Path) -> Iterator[Opened]:
    with opened(browser, rich_report) as found:
        yield found
        assert found.complaints == []


def opacity_of(found: Opened, chart: str, place: int) -> float:
    """Of the mean of a variant, by its place in the plan."""
    [value] = found.run(OPACITY, [chart, place])
    return float(value)


def charts_of(found: Opened) -> list[str]:
    return list(found.run("() => [...document.querySelectorAll('.chart')].map(c => c.id)"))


def test_it_opens_without_a_network_and_without_complaints(rich: Opened, rich_report: Path) -> None:
    assert rich.asked == [rich_report.resolve().as_uri()]
    drawn = "() => [...document.querySelectorAll('.chart')].map(c => c.querySelectorAll('.scatterlayer .trace').length)"
    counts = rich.run(drawn)
    assert len(counts) > 20
    assert min(counts) > 0


def test_names_do_not_run(browser: Browser, hostile_sweep: Path) -> None:
    with opened(browser, build_report(hostile_sweep)) as found:
        assert found.complaints == []
        assert found.run("() => document.images.length") == 0
        assert "<script>alert(1)</script>" in found.page.inner_text("h1")
        texts = found.run("() => [...document.querySelectorAll('.ytick text')].map(t => t.textContent)")
        assert any("<script>alert(1" in text for text in texts)
        found.page.hover("#chart-forest .scatterlayer .trace:last-child .point", force=True)


def test_what_is_injected_does_not_run(browser: Browser, rich_report: Path) -> None:
    with opened(browser, rich_report) as found:
        inject = """() => {
          const script = document.createElement('script');
          script.textContent = 'window.ran = true';
          document.body.append(script);
          document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran = true">');
          // later, as what the debugger itself runs may do anything
          setTimeout(() => {
            try { new Function('window.ran = true')(); } catch (error) { window.refused = error.name; }
          });
        }"""
        found.run(inject)
        found.page.wait_for_function("() => window.refused ?? window.ran")
        assert found.run("() => window.ran") is None
        assert found.run("() => window.refused") == "EvalError"
        assert found.complaints


def test_every_column_sorts_both_ways(rich: Opened) -> None:
    heads = rich.page.locator("#ranking thead th")
    sorted_columns = 0
    for column in range(heads.count()):
        button = heads.nth(column).locator("button")
        if not button.count():
            continue
        for way in ("ascending", "descending"):
            if heads.nth(column).get_attribute("aria-sort") == way:
                button.click()
            button.click() if heads.nth(column).get_attribute("aria-sort") != way else None
            assert heads.nth(column).get_attribute("aria-sort") == way
            known = [value for value in rich.run(CELLS, column) if value != ""]
            values: list[Any] = (
                [float(v) for v in known] if all(is_number(v) for v in known) else [v.lower() for v in known]
            )
            assert values == sorted(values, reverse=way == "descending")
            # what has no value comes last
            assert rich.run(CELLS, column)[: len(known)] == known
        sorted_columns += 1
    assert sorted_columns == heads.count() - 2


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_filters(rich: Opened, rich_sweep: Path) -> None:
    variants = read_results(rich_sweep).plan.variants
    rich.page.fill("#words", "linformer SINUS")
    shown = rich.run(PLACES)
    assert len(shown) == 3
    assert all("linformer" in variants[int(place)].label for place in shown)
    assert rich.page.inner_text("#shown") == f"3 of {len(variants)} variants"
    rich.page.fill("#words", "")
    rich.page.select_option("select[name='model.position']", label="rotary")
    rich.page.select_option("select[name='model.dim']", label="64")
    assert {variants[int(place)].label for place in rich.run(PLACES)} == {
        "full / rotary / 64",
        "longformer / rotary / 64",
        "performer / rotary / 64",
    }
    faded = next(place for place, variant in enumerate(variants) if variant.label == "full / alibi / 64")
    assert opacity_of(rich, "chart-valid-0", faded) < 0.2
    rich.page.click("#tools button[type=reset]")
    rich.page.wait_for_function("() => document.getElementById('shown').textContent === ''")
    assert len(rich.run(PLACES)) == len(variants) + 1
    assert opacity_of(rich, "chart-valid-0", faded) > 0.4


def test_a_row_that_is_picked_stands_out_everywhere(rich: Opened, rich_sweep: Path) -> None:
    variants = read_results(rich_sweep).plan.variants
    labels = [variant.label for variant in variants]
    chosen, other = labels.index("full / rotary / 64"), labels.index("full / alibi / 64")
    rich.page.check(f"#ranking tbody[data-variant='{chosen}'] input.pick")
    assert rich.page.inner_text("#picked-names") == "full / rotary / 64"
    assert opacity_of(rich, "chart-valid-0", chosen) > 0.5 > 0.2 > opacity_of(rich, "chart-valid-0", other)
    for chart in charts_of(rich):
        strengths = rich.run(
            """id => document.getElementById(id).data
              .filter(trace => trace.meta?.v !== undefined).map(trace => [trace.meta.v, trace.opacity])""",
            chart,
        )
        assert all((strength <= 0.1) or place == chosen for place, strength in strengths)
    assert rich.run("v => document.querySelector(`.heat [data-variants='${v}']`).classList.contains('faded')", other)
    assert not rich.run(
        "v => document.querySelector(`.heat [data-variants='${v}']`).classList.contains('faded')", chosen
    )
    rich.page.keyboard.press("Escape")
    assert rich.page.is_hidden("#picked")
    assert opacity_of(rich, "chart-valid-0", other) > 0.4


def test_a_legend_picks_by_mouse_and_by_key(rich: Opened) -> None:
    key = rich.page.locator("#curves .key").first
    key.click()
    assert key.get_attribute("aria-pressed") == "true"
    assert rich.page.locator("#ranking tbody.picked").count() == 1
    key.press("Enter")
    assert key.get_attribute("aria-pressed") == "false"
    assert rich.page.locator("#ranking tbody.picked").count() == 0
    rich.page.locator("#costs .key").first.click()
    assert rich.page.locator("#ranking tbody.picked").count() == 9
    rich.page.click("#clear")
    assert rich.page.locator("#ranking tbody.picked").count() == 0


def test_pointing_tells_more_and_a_click_picks(rich: Opened, rich_sweep: Path) -> None:
    first = read_results(rich_sweep).ranked[0]
    point = rich.page.locator("#chart-forest .scatterlayer .trace .point").nth(3)
    rich.page.locator("#chart-forest").scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    rich.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = rich.page.locator("#chart-forest .hoverlayer .hovertext")
    label.wait_for()
    said = str(label.text_content())
    assert first.label in said and "better" in said
    rich.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    rich.page.wait_for_function("() => !document.getElementById('picked').hidden")
    assert rich.page.inner_text("#picked-names") == first.label


def test_curves_against_time_and_flops(rich: Opened) -> None:
    ends = (
        """() => document.getElementById('chart-valid-0').data.filter(t => t.meta?.mean).map(t => Math.max(...t.x))"""
    )
    title = "() => document.querySelector('#chart-valid-0 .xtitle').textContent"
    assert set(rich.run(ends)) == {400}
    others = "() => document.getElementById('chart-valid-0').data[0].x.filter(x => x !== null).length"
    count = rich.run(others)
    rich.page.click("[data-family=valid] button[data-x=flops]")
    rich.page.wait_for_function(
        "() => document.querySelector('#chart-valid-0 .xtitle').textContent === 'training FLOPs'"
    )
    assert min(rich.run(ends)) == pytest.approx(400 * 3 * 1.2e6 * 0.3 * 2048, rel=1e-4)
    assert rich.run(others) == count > 100
    rich.page.click("[data-family=valid] button[data-x=seconds]")
    rich.page.wait_for_function("() => document.querySelector('#chart-valid-0 .xtitle').textContent.includes('time')")
    assert len(set(rich.run(ends))) > 3
    assert rich.run("() => document.querySelector('#chart-train-0 .xtitle').textContent") == "step"
    rich.page.click("[data-family=valid] button[data-x=step]")
    rich.page.wait_for_function("() => document.querySelector('#chart-valid-0 .xtitle').textContent === 'step'")
    assert set(rich.run(ends)) == {400} and rich.run(title) == "step"


def test_light_and_dark(browser: Browser, rich_report: Path) -> None:
    back = "() => getComputedStyle(document.body).backgroundColor"
    fill = "() => getComputedStyle(document.querySelector('.chart .ytick text')).fill"
    lifted = "() => getComputedStyle(document.querySelector('#chart-forest .scatterlayer')).filter"
    with opened(browser, rich_report, color_scheme="dark") as found:
        assert found.run(back) == "rgb(20, 24, 29)"
        assert found.run(lifted) == "brightness(1.25)"
        assert found.run(fill) == "rgb(201, 206, 214)"
        found.page.click("#theme")
        assert found.run(back) == "rgb(255, 255, 255)"
        assert found.run(lifted) == "none"
        assert found.page.inner_text("#theme") == "dark"
        found.page.click("#theme")
        assert found.run(back) == "rgb(20, 24, 29)"
        found.page.emulate_media(media="print")
        assert found.run(back) == "rgb(255, 255, 255)"
        assert found.page.is_hidden("nav") and found.page.is_hidden("#tools")
        assert found.page.is_visible("#chart-forest")
        assert found.page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("hostile", [False, True])
def test_a_phone_has_nothing_to_push_sideways(
    browser: Browser, rich_report: Path, hostile_sweep: Path, hostile: bool
) -> None:
    with opened(browser, build_report(hostile_sweep) if hostile else rich_report, width=390) as found:
        assert found.run("() => document.documentElement.scrollWidth") == 390
        assert found.run("() => document.querySelector('#ranking').closest('.scroll').scrollWidth") > 390


def test_without_scripts_every_table_is_there(browser: Browser, rich_report: Path, rich_sweep: Path) -> None:
    results = read_results(rich_sweep)
    with opened(browser, rich_report, java_script_enabled=False) as found:
        words = " ".join(found.page.inner_text("body").split())
        for row in results.ranked:
            assert row.estimate is not None
            assert f"{row.estimate.mean:.3f}" in words
        for section in (
            "#answer table",
            "#effects table",
            "#scaling table",
            "#length table",
            "#tuning table",
            "#left-out table",
        ):
            assert found.page.locator(section).first.is_visible()
        assert found.page.locator("#variants > details").count() == len(results.plan.variants)
        # nothing that would need them
        assert found.page.is_hidden("#tools") and found.page.is_hidden(".choices >> nth=0")
        assert found.page.locator("input.pick:visible").count() == 0
        assert "This chart needs JavaScript" in words
        found.page.locator("#variants > details summary").first.click()
        assert found.page.locator("#variants > details table.trials").first.is_visible()


def test_a_link_opens_its_section(rich: Opened) -> None:
    link = rich.page.locator("#ranking tbody th a").first
    target = str(link.get_attribute("href"))
    link.click()
    rich.page.wait_for_function("id => document.querySelector(id).open", arg=target)
    assert rich.page.locator(f"{target} table.trials").is_visible()


def test_every_control_has_a_name_and_tables_have_heads(rich: Opened) -> None:
    nameless = """() => [...document.querySelectorAll('button, input, select')].filter(e =>
      !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).map(e => e.outerHTML)"""
    assert rich.run(nameless) == []
    headless = (
        "() => [...document.querySelectorAll('table')].filter(t => !t.tHead || !t.querySelector('th[scope]')).length"
    )
    assert rich.run(headless) == 0
    assert rich.run("() => [...document.querySelectorAll('.chart')].every(c => c.getAttribute('aria-label'))")
    assert rich.run("() => document.querySelectorAll('h1').length") == 1
    rich.page.keyboard.press("Tab")
    assert rich.run("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_page_without_results_has_nothing_to_complain_about(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, build_report(write_sweep(tmp_path / "sweep", train=False))) as found:
        assert found.complaints == []
        found.page.fill("#words", "rotary")
        assert len(found.run(PLACES)) == 6
