"""`report`: from a folder to a ranking and a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Call = Callable[..., Result]


def test_it_ranks_and_writes_the_page(call: Call, own_folder: Path) -> None:
    run = own_folder / "run"
    run.mkdir()
    (run / "metrics.csv").write_text("step,epoch,seconds,name,value\n1,0,0.5,valid/loss,2.5\n2,0,1.0,valid/loss,2.25\n")
    (run / "summary.json").write_text('{"status": "finished", "metrics": {"valid/loss": 2.25}, "seed": 0}')
    result = call("report", "run")
    assert result.exit_code == 0, result.output
    assert "2.250" in result.output
    assert result.output.splitlines()[-1] == "report: run/report.html"
    assert "<html" in (run / "report.html").read_text()


def test_folders_without_results(call: Call, own_folder: Path) -> None:
    assert call("report", ".").stderr == ". holds no results: no plan.json, no trials/ and no state.json\n"
    result = call("report", "nowhere")
    assert (result.exit_code, result.stderr) == (2, "nowhere is not a folder\n")
    assert list(own_folder.iterdir()) == []


def test_what_could_not_be_read_is_told(call: Call, own_folder: Path) -> None:
    (own_folder / "plan.json").write_text("{broken")
    (own_folder / "trials" / "a").mkdir(parents=True)
    result = call("report", ".")
    assert result.exit_code == 0
    assert "note: " in result.stderr
    assert "plan.json" in result.stderr


def test_a_folder_of_runs_names_them(call: Call, own_folder: Path) -> None:
    for name in ("a", "b"):
        (own_folder / "runs" / name).mkdir(parents=True)
        (own_folder / "runs" / name / "state.json").write_text("{}")
    assert "; in it: runs/" in call("report", "runs").stderr
    said = call("generate", "runs", "x").stderr
    assert "is no run" in said and "runs/a" in said and "runs/b" in said
