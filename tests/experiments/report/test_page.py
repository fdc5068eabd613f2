"""The report: self-contained, escaped, under a strict policy, and complete."""

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiments.report import build_report
from experiments.report.curve_charts import thin
from experiments.report.figure import plotly_text
from experiments.results import Curve, read_results

# Elements that end where they begin.
VOID = {"meta", "line", "br", "img", "link"}


class Page(HTMLParser):
    """Elements with their attributes, the contents of scripts and styles, and the text a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag not in VOID else self._inside
        if tag in self.inline:
            self.inline[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.inline:
            self.inline[self._inside][-1] += data
        else:
            self.text += data

    @property
    def policy(self) -> dict[str, list[str]]:
        found = [a["content"] for tag, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert len(found) == 1
        assert found[0]
        return {parts[0]: parts[1:] for rule in found[0].split(";") if (parts := rule.split())}


def digest(text: str) -> str:
    """The hash as the CSP standard defines it, of the very text between the tags."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def report_of(folder: Path) -> Page:
    return Page(build_report(folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile_page(hostile_sweep: Path) -> Page:
    return report_of(hostile_sweep)


def test_policy_allows_exactly_the_scripts_on_the_page(hostile_page: Page) -> None:
    policy = hostile_page.policy
    hashes = {f"'sha256-{digest(script)}'" for script in hostile_page.inline["script"]}
    assert policy["default-src"] == ["'none'"]
    assert set(policy["script-src"]) == hashes
    assert len(hashes) > 8
    styles = {f"'sha256-{digest(style)}'" for style in [*hostile_page.inline["style"], ""]}
    assert set(policy["style-src"]) == styles
    assert not any("unsafe" in source or "*" in source for sources in policy.values() for source in sources)


def test_charset_comes_first(hostile_page: Page) -> None:
    metas = [attributes for tag, attributes in hostile_page.elements if tag == "meta"]
    assert metas[0] == {"charset": "utf-8"}


def test_hostile_names_stay_text(hostile_page: Page) -> None:
    assert "<script>alert(1)</script>" in hostile_page.text
    assert "🦊" in hostile_page.text
    assert "\u202e" not in hostile_page.text
    assert "\x1b" not in hostile_page.text
    assert "49" not in hostile_page.text.split("Left out")[1].split("Failures")[0]
    tags = {tag for tag, _ in hostile_page.elements}
    assert not tags & {"img", "iframe", "object", "link", "base", "form"}
    # Plotly's data carries the names as well; a bare tag there would end the script.
    assert not any("<script>alert" in script for script in hostile_page.inline["script"][2:])
    for _, attributes in hostile_page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_names_in_charts_are_literal_for_plotly() -> None:
    assert plotly_text('<a href="javascript:alert(1)">&</a>') == '&lt;a href="javascript:alert(1)"&gt;&amp;&lt;/a&gt;'
    assert len(plotly_text("x" * 500, 30)) == 30


def test_nothing_is_fetched(hostile_page: Page) -> None:
    for tag, attributes in hostile_page.elements:
        assert "src" not in attributes
        assert "action" not in attributes
        assert tag != "a" or (attributes["href"] or "").startswith("#")
    assert not re.search(r"@import|url\(", "".join(hostile_page.inline["style"]))


def test_plotly_is_inlined_once_and_the_page_is_light(sweep: Path) -> None:
    path = build_report(sweep)
    assert path == sweep / "report.html"
    assert path.stat().st_size < 6_000_000
    assert sum("plotly.js v" in script for script in Page(path.read_text("utf-8")).inline["script"]) == 1
    # Written whole: no temporary file stays behind.
    assert not [entry for entry in sweep.iterdir() if entry.name.endswith(".tmp")]


def test_content(sweep: Path) -> None:
    text = report_of(sweep).text
    order = ["ranks first on", "Ranking", "How far apart", "Attention by position", "Learning curves", "What it costs"]
    order += ["Left out", "Failures", "Data, environment", "swapformer sweep specs/attention.yaml", "Resolved specs"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    for words in (
        "bigram model",
        "2.741",
        "DefaultCPUAllocator",
        "not finite at step 91",
        "cannot honour position",
        "4f1c2d9",
    ):
        assert words in text


def test_every_ranked_value_can_be_read_without_scripts(sweep: Path) -> None:
    text = report_of(sweep).text.split("How far apart they are")[0].split("Trials that failed")[1]
    for row in read_results(sweep).ranked:
        assert row.estimate is not None
        assert f"{row.estimate.mean:.3f}" in text


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_other_numbers_of_seeds(make_sweep: Callable[..., Path], seeds: tuple[int, ...]) -> None:
    page = report_of(make_sweep(seeds=seeds))
    assert ("verdict" in [word for _, a in page.elements for word in (a.get("class") or "").split()]) == (
        len(seeds) > 2
    )


def test_what_must_be_known_of_variants_stands_below_the_ranking(sweep: Path) -> None:
    ranking = report_of(sweep).text.split("How far apart they are")[0]
    labels = ", ".join(variant.label for variant in read_results(sweep).plan.variants[:2])
    assert " ".join(ranking.split()).endswith(f"{labels}: positions are told twice")


def test_empty_sweep(make_sweep: Callable[..., Path]) -> None:
    page = report_of(make_sweep(train=False))
    assert "No trial has finished yet" in page.text
    assert page.text.count("pending") >= 16
    assert len(page.inline["script"]) == 1


def test_partial_sweep(sweep: Path) -> None:
    for folder in sorted((sweep / "trials").iterdir())[::2]:
        (folder / "summary.json").unlink(missing_ok=True)
        (folder / "metrics.csv").unlink()
        (folder / "spec.yaml").unlink()
    assert "interrupted" in report_of(sweep).text


def test_variant_without_any_result_keeps_its_row(sweep: Path) -> None:
    worst = read_results(sweep).ranked[0]
    for trial in worst.trials:
        (trial.folder / "summary.json").unlink()
    page = report_of(sweep)
    assert any("lost" in (attributes.get("class") or "") for tag, attributes in page.elements if tag == "tr")


def test_one_trial_and_a_folder_without_a_plan(sweep: Path) -> None:
    trial = next(path.parent for path in sorted(sweep.glob("trials/*/summary.json")))
    assert "reached validation bits per byte" in report_of(trial).text
    (sweep / "plan.json").unlink()
    assert "plan.json is missing" in report_of(sweep).text


def test_thinning_keeps_the_mean() -> None:
    curve = Curve(tuple(range(1000)), (0.0,) * 1000, (*(float(k % 7) for k in range(999)), float("nan")))
    steps, values = thin(curve, most=100)
    assert len(steps) == len(values) == 100
    assert steps == sorted(steps)
    assert sum(values) / 100 == pytest.approx(3.0, abs=0.05)
    assert thin(Curve((1, 2), (0.0, 0.0), (5.0, 6.0))) == ([1, 2], [5.0, 6.0])
