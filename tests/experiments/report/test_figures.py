"""Figures for papers: complete, the same every time, and unharmed by names."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from written_sweep import write_sweep

from experiments.report import build_report
from experiments.report.figures import FIGURES, write_figures
from experiments.report.figures.style import drawable
from experiments.report.findings import findings_of
from experiments.results import read_results


@pytest.mark.slow
def test_every_figure_as_svg_and_png(rich_sweep: Path, tmp_path: Path) -> None:
    build_report(rich_sweep, figures=True)
    folder = rich_sweep / "figures"
    assert {path.name for path in folder.iterdir()} == {f"{name}.{kind}" for name in FIGURES for kind in ("svg", "png")}
    for path in folder.glob("*.svg"):
        ElementTree.parse(path)
    for path in folder.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = {path.name: path.read_bytes() for path in write_figures(findings_of(read_results(rich_sweep)))}
    assert first == again


@pytest.mark.slow
def test_hostile_names_are_drawn_as_text(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", seeds=(0, 1, 2), hostile=True, rich=True)
    for path in write_figures(findings_of(read_results(folder))):
        if path.suffix == ".svg":
            assert not [e for e in ElementTree.parse(path).iter() if e.tag.endswith("script")]


def test_a_sweep_without_results_has_no_figures(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", train=False)
    assert write_figures(findings_of(read_results(folder))) == []
    assert not (folder / "figures").exists()


def test_what_the_font_lacks_becomes_a_box() -> None:
    assert drawable("a$b_{\U0001f98a}") == "a$b_{\u25a1}"
    assert len(drawable("x" * 300)) == 40
