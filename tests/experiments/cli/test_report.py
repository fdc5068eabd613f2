"""`report`: from a folder to a ranking and a page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from written_sweep import write_sweep

Call = Callable[..., Result]

TINY = """
base: [demo]
name: tiny
model: {dim: 16, layers: 1, heads: 2}
data: {length: 32, batch_size: 4}
trainer: {max_steps: 4, val_check_interval: 2, limit_val_batches: 2}
schedule: {warmup: 2}
sweep:
  axes: {model.attention: [full, performer], model.position: [rotary], model.placement: [pre]}
  seeds: 1
"""


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


def test_maps_of_nobody(call: Call, own_folder: Path) -> None:
    write_sweep(own_folder / "sweep")
    result = call("report", "sweep", "--variants", "x")
    assert result.exit_code == 2
    assert "give the text that they read: --attend" in result.stderr
    result = call("report", "sweep", "--attend", "To be", "--variants", "full / rotary / prae")
    assert result.exit_code == 2
    assert "there is no variant 'full / rotary / prae'. Did you mean 'full / rotary / pre'?" in result.stderr
    result = call("report", "sweep", "--attend", "To be")
    assert "has no trained model to look at" in result.stderr
    assert not (own_folder / "sweep" / "report.html").exists()


@pytest.mark.slow
def test_maps_of_trained_models(own_folder: Path, call: Call) -> None:
    (own_folder / "tiny.yaml").write_text(TINY)
    done = subprocess.run([sys.executable, "-m", "experiments.cli.main", "sweep", "tiny.yaml"], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    chosen = ["--variants", "performer / rotary / pre", "--variants", "full / rotary / pre"]
    result = call("report", "runs/tiny", "--attend", "To <be> or not", *chosen)
    assert result.exit_code == 0, result.output
    page = (own_folder / "runs" / "tiny" / "report.html").read_text("utf-8")
    assert page.count('<img src="data:image/png;base64,') == 2
    assert page.index("attention maps of the decoder of performer") < page.index(
        "attention maps of the decoder of full"
    )
    assert "To &lt;be&gt; or not" in page
    result = call("report", "runs/tiny", "--attend", "x" * 500)
    assert (result.exit_code, "no model can read this text" in result.stderr) == (2, True)
