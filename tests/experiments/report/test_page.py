"""The report: self-contained, escaped, under a strict policy, and complete."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from written_sweep import write_sweep

from experiments.report import build_report
from experiments.report.attention import AttentionMaps, Picture
from experiments.report.figure import plotly_text
from experiments.results import read_results

# Elements that end where they begin.
VOID = {"meta", "line", "circle", "br", "img", "input", "link"}


class Page(HTMLParser):
    """Elements with their attributes, the contents of scripts and styles, and the text a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        # data that no browser runs, by id
        self.data: dict[str, str] = {}
        self.text = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag not in VOID else self._inside
        if dict(attrs).get("type") == "application/json":
            self._inside = f"data {dict(attrs)['id']}"
        elif tag in self.inline:
            self.inline[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside.startswith("data "):
            self.data[self._inside[5:]] = self.data.get(self._inside[5:], "") + data
        elif self._inside in self.inline:
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


@pytest.fixture(scope="session")
def rich_page(rich_sweep: Path) -> Page:
    return report_of(rich_sweep)


@pytest.fixture(scope="module")
def hostile_page(hostile_sweep: Path) -> Page:
    return report_of(hostile_sweep)


def test_policy_allows_exactly_the_scripts_on_the_page(hostile_page: Page) -> None:
    policy = hostile_page.policy
    hashes = {f"'sha256-{digest(script)}'" for script in hostile_page.inline["script"]}
    assert policy["default-src"] == ["'none'"]
    assert set(policy["script-src"]) == hashes
    assert len(hashes) == 2
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
    assert not tags & {"img", "iframe", "object", "link", "base"}
    # the data carry the names as well; a bare sign there could end the element or begin a comment
    assert not any(sign in data for data in hostile_page.data.values() for sign in "<>&")
    names = [variant["label"] for variant in json.loads(hostile_page.data["numbers"])["variants"]]
    assert any("<script>alert(1)</script>" in name for name in names)
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


def test_the_order_of_what_it_says(rich_page: Page) -> None:
    words = " ".join(rich_page.text.split())
    order = ["is better than the baseline", "same batches in the same order", "Validation bits per byte at the end"]
    order += ["Thick lines are the", "Lines are means over seeds", "What it costs", "What each axis does"]
    order += ["Attention by position", "Quality against size", "Cost against sequence length", "What was tried for"]
    order += ["Combinations that cannot work", "TrialSeedStatus", "What sets each apart", "Data, environment"]
    places = [words.find(line) for line in order]
    assert -1 not in places
    assert places == sorted(places)
    for fact in ("bigram model", "2.741", "not finite at step 91", "cannot honour position", "4f1c2d9", "off budget"):
        assert fact in words
    assert "swapformer sweep specs/attention.yaml" in words


def test_the_budget_and_what_is_left_of_the_mismatch(rich_page: Page, rich_sweep: Path) -> None:
    words = " ".join(rich_page.text.split())
    variants = [variant for variant in read_results(rich_sweep).plan.variants if variant.held]
    worst = max(variants, key=lambda variant: abs(variant.held.off if variant.held else 0))
    assert worst.held is not None
    assert f"to within {abs(worst.held.off):.2%} (the most, at {worst.label})" in words
    assert f"{worst.held.off:+.2%}".replace("-", "\u2212").replace("%", " %") in words


def test_batches_that_differ_are_told(rich_sweep: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(rich_sweep, tmp_path / "sweep"))
    path = next(trial.folder / "summary.json" for trial in read_results(folder).compared if trial.finished)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"batches": "others"}))
    page = report_of(folder)
    assert "did not see the same batches" in page.text
    assert any(attributes.get("class") == "badly" for _, attributes in page.elements)


def test_every_trial_is_on_record(rich_page: Page, rich_sweep: Path) -> None:
    results = read_results(rich_sweep)
    for trial in results.trials:
        assert f"trials/{trial.id}" in rich_page.text
    sections = [attributes for tag, attributes in rich_page.elements if tag == "details" and attributes.get("id")]
    assert len(sections) == len(results.plan.variants)
    assert "Traceback <script>alert(1)</script>" in rich_page.text
    assert "step 59: loss 2.59" in rich_page.text and "step 9: loss 2.9" not in rich_page.text


def test_a_section_says_what_sets_a_variant_apart(rich_page: Page) -> None:
    words = " ".join(rich_page.text.split())
    section = words.split("What sets each apart")[1]
    assert "model.attention.kindfulllongformer" in section.replace(" ", "")
    assert "the baseline." in section.lower()


def test_numbers_are_carried_in_full(rich_page: Page, rich_sweep: Path) -> None:
    results, numbers = read_results(rich_sweep), json.loads(rich_page.data["numbers"])
    first = numbers["variants"][0]
    assert results.ranked[0].estimate is not None
    assert first["estimate"]["mean"] == results.ranked[0].estimate.mean
    assert [one["place"] for one in numbers["variants"]] != sorted(one["place"] for one in numbers["variants"])
    assert len(numbers["trials"]) == len(results.trials)
    # the budget holds parameters, so nothing can grow with them
    assert numbers["effects"]["main"] and set(numbers["scaling"]["curves"]) == {"flops", "seconds"}
    assert numbers["noise"]["sd"] > 0


def test_lengths_tuning_and_maps(rich_page: Page, sweep: Path) -> None:
    words = " ".join(rich_page.text.split())
    assert "costs less than full / sinusoidal / 64" in words
    assert "out of memory" in words
    assert "optimizer.lr 0.00" in words
    maps = [AttentionMaps("<b>full</b>", 3, "To <i>be</i>", [Picture(b"\x89PNG", "a <map>")], ["layer 1: <none>"])]
    page = Page(build_report(sweep, attention=maps).read_text("utf-8"))
    assert "<b>full</b>, seed 3" in page.text and "To <i>be</i>" in page.text and "layer 1: <none>" in page.text
    pictures = [attributes for tag, attributes in page.elements if tag == "img"]
    assert pictures == [{"src": "data:image/png;base64,iVBORw==", "alt": "a <map>"}]


def test_a_page_of_a_hundred_trials_is_light(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", seeds=tuple(range(5)), rich=True)
    results = read_results(folder)
    assert len(results.trials) > 200
    assert build_report(folder).stat().st_size < 6_000_000


def test_every_ranked_value_can_be_read_without_scripts(sweep: Path) -> None:
    text = report_of(sweep).text.split("Differences from the baseline")[0].split("Trials that failed")[1]
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
    ranking = report_of(sweep).text.split("Differences from the baseline")[0]
    labels = ", ".join(variant.label for variant in read_results(sweep).plan.variants[:2])
    assert " ".join(ranking.split()).endswith(f"{labels}: positions are told twice")


def test_empty_sweep(make_sweep: Callable[..., Path]) -> None:
    page = report_of(make_sweep(train=False))
    assert "No trial has finished yet" in page.text
    assert page.text.count("pending") >= 16
    assert len(page.inline["script"]) == 1
    assert len(page.text) < 100_000


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
