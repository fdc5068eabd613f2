"""Sweeps from the command line to the report, on trials of a few steps."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from watching import below, is_running, wait_for

from experiments.cli.main import cli
from registry.yaml_writer import dump_yaml

SPEC: dict[str, Any] = {
    "name": "tiny",
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2, "position": "rotary"},
    "data": {"kind": "text", "length": 16, "batch_size": 4},
    "task": "causal_lm",
    "trainer": {"max_steps": 4, "val_check_interval": 2, "limit_val_batches": 2},
    "metric": {"name": "valid/bits_per_byte"},
    "sweep": {
        "axes": {"model.attention": ["full", "performer"], "model.position": ["rotary", "alibi"]},
        "seeds": 1,
        "workers": 2,
    },
}


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "tiny.yaml", SPEC)


def write(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(dump_yaml(content))
    return path


def swapformer(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def states(folder: Path) -> dict[str, str]:
    return {p.parent.name: json.loads(p.read_text())["status"] for p in folder.glob("trials/*/state.json")}


def test_a_sweep_trains_ranks_reports_and_does_not_train_again(spec: Path) -> None:
    first = swapformer("sweep", str(spec))
    assert first.exit_code == 0, first.output
    assert "performer / alibi" in first.output and "bigram model" in first.output
    assert "3 of 3 trials done" in first.output
    folder = Path("runs/tiny")
    assert (folder / "report.html").is_file() and set(states(folder).values()) == {"finished"}
    written = {p: p.stat().st_mtime_ns for p in folder.glob("trials/*/*")}
    second = swapformer("sweep", str(spec))
    assert second.exit_code == 0 and " started" not in second.output and "bigram model" in second.output
    assert "3 of 3 trials are done: nothing to train" in second.output
    assert written == {p: p.stat().st_mtime_ns for p in folder.glob("trials/*/*")}
    summary = json.loads(next(folder.glob("trials/*/summary.json")).read_text())
    assert summary["parameters_by_part"] and summary["flops_per_token"] > 0


def test_a_dry_run_writes_nothing(spec: Path) -> None:
    result = swapformer("sweep", str(spec), "--dry-run")
    assert result.exit_code == 0 and "performer / alibi" in result.output
    assert sorted(p.name for p in Path().iterdir()) == ["cache", "tiny.yaml"] or not Path("runs").exists()


def test_a_limit_trains_the_first_trials_and_the_rest_later(spec: Path) -> None:
    first = swapformer("sweep", str(spec), "--limit", "1")
    assert first.exit_code == 0 and "2 more trials in the plan" in first.output
    assert len(states(Path("runs/tiny"))) == 1
    assert swapformer("sweep", str(spec)).exit_code == 0
    assert list(states(Path("runs/tiny")).values()) == ["finished"] * 3


def test_variants_of_one_seed_see_the_same_data_whatever_their_size(spec: Path) -> None:
    """Equal variants, and equal trials of two sweeps, give equal numbers to the last bit."""
    assert swapformer("sweep", str(spec), "--out", "a").exit_code == 0
    assert swapformer("sweep", str(spec), "sweep.workers=1", "--out", "b").exit_code == 0
    for path in Path("a/tiny/trials").glob("*/summary.json"):
        other = Path("b/tiny/trials") / path.parent.name / "summary.json"
        assert json.loads(path.read_text())["metrics"] == json.loads(other.read_text())["metrics"]


def test_a_diverging_trial_is_told_and_the_others_go_on(spec: Path) -> None:
    sweep = {"axes": {"optimizer": ["adamw", {"kind": "sgd", "lr": 1e30}]}, "seeds": 1}
    result = swapformer("sweep", str(write(spec, {**SPEC, "sweep": sweep, "trainer": {"max_steps": 4}})))
    assert result.exit_code == 3, result.output
    assert "diverged" in result.output and "1 of them without a result" in result.output
    assert sorted(states(Path("runs/tiny")).values()) == ["diverged", "finished"]


def test_a_part_that_raises_fails_its_trial_alone(spec: Path) -> None:
    plugin = Path("fragile.py")
    plugin.write_text(
        "from blocks.norm import Norm\nfrom registry import part\n\n"
        "@part('norm', 'fragile')\nclass Fragile(Norm):\n    '''Breaks in training.'''\n"
        "    def __init__(self, dim: int) -> None:\n        super().__init__()\n"
        "    def forward(self, x):\n"
        "        if x.is_meta:\n            return x\n"
        "        raise RuntimeError('broken on purpose')\n"
    )
    sweep = {"axes": {"model.norm": ["layer", "fragile"]}, "seeds": 1}
    result = swapformer("sweep", str(write(spec, {**SPEC, "sweep": sweep})), "--plugin", str(plugin))
    assert result.exit_code == 3, result.output
    assert "broken on purpose" in result.output
    assert sorted(states(Path("runs/tiny")).values()) == ["failed", "finished"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_stops_and_the_same_command_continues(spec: Path, number: int, code: int) -> None:
    long = {**SPEC, "trainer": {"max_steps": 100_000, "val_check_interval": 50_000}}
    command = [sys.executable, "-m", "experiments.cli.main", "sweep", str(write(spec, long))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        folder = Path("runs/tiny")
        wait_for(lambda: any(step > 5 for step in steps(folder)), process, seconds=60)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert "interrupted" in states(folder).values()
    before = max(steps(folder))
    assert before > 5
    assert list(folder.glob("trials/*/checkpoints/last.ckpt"))
    assert not list(folder.glob("trials/*/summary.json"))


def test_a_signal_to_a_trial_that_is_starting_is_not_lost(spec: Path) -> None:
    long = {**SPEC, "trainer": {"max_steps": 100_000, "val_check_interval": 50_000}}
    command = [sys.executable, "-m", "experiments.cli.main", "sweep", str(write(spec, long))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        # the plan is written right before the first trial is started, which takes seconds
        wait_for(Path("runs/tiny/plan.json").exists, process, seconds=60)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "interrupted before its first step" in output and "the same command continues" in output
    assert "failed" not in output


def test_no_trial_outlives_a_killed_coordinator(spec: Path) -> None:
    long = {**SPEC, "trainer": {"max_steps": 100_000, "val_check_interval": 50_000}}
    command = [sys.executable, "-m", "experiments.cli.main", "sweep", str(write(spec, long))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: any(step > 5 for step in steps(Path("runs/tiny"))), process, seconds=60)
        trials = below(process.pid)
        assert trials
        process.kill()
    wait_for(lambda: not any(is_running(pid) for pid in trials), None, seconds=60)


def steps(folder: Path) -> list[int]:
    return [json.loads(p.read_text())["step"] for p in folder.glob("trials/*/state.json")]
