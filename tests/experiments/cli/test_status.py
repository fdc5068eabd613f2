"""`status`: how far runs and sweeps are, told from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sweep_folder import begin, finish, plan_of, write_json, write_sweep

from experiments.results.holder import holder
from experiments.training.folder_lock import only_one

Call = Callable[..., Result]

HOLD = """
import sys
from contextlib import ExitStack
from pathlib import Path
from experiments.training.folder_lock import only_one

with ExitStack() as held:
    for folder in sys.argv[1:]:
        held.enter_context(only_one(Path(folder), "taken"))
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def sweep(own_folder: Path) -> Path:
    """Two finished, one failed, one at step 30 of 40, four not begun."""
    folder = write_sweep(Path("runs/attention"), done=2)
    trials = plan_of()["trials"]
    home = begin(folder, trials[2], status="failed", reason="RuntimeError: broken on purpose")
    (home / "log.txt").write_text("what happened")
    begin(folder, trials[3], step=30)
    return folder


@pytest.fixture
def held(sweep: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that works on the sweep, and on its trial t3."""
    command = [sys.executable, "-c", HOLD, str(sweep), str(sweep / "trials" / "t3")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_a_sweep_at_work(call: Call, sweep: Path, held: subprocess.Popen[str]) -> None:
    result = call("status", sweep)
    assert result.exit_code == 0
    head, counts, best, begun, failed = result.output.splitlines()
    assert head.startswith(f"attention: running (process {held.pid} on ") and ", since 20" in head
    assert counts.startswith("3 of 8 trials done: 1 running, 4 pending, 2 finished, 1 failed, about ")
    assert best == "best: valid/loss 2.0000 (full / rotary, seed 0)"
    assert begun.startswith("[local / alibi, seed 0] step 30 of 40, loss 2.500, 10.0 steps/s, 1.0 s left, last sign of")
    assert "local / rotary, seed 0 failed: RuntimeError: broken on purpose; log: " in failed
    assert failed.endswith("runs/attention/trials/t2/log.txt")


def test_a_sweep_whose_coordinator_was_killed(call: Call, sweep: Path, held: subprocess.Popen[str]) -> None:
    held.send_signal(signal.SIGKILL)
    held.wait()
    lines = call("status", sweep).output.splitlines()
    assert lines[0] == "attention: stopped"
    assert lines[1] == "3 of 8 trials done: 1 stopped, 4 pending, 2 finished, 1 failed"
    assert lines[3] == "[local / alibi, seed 0] step 30 of 40, loss 2.500, stopped"
    assert lines[-1] == "nobody works on it; continue it by: swapformer sweep attention.yaml"


def test_looking_does_not_take_the_lock(sweep: Path, held: subprocess.Popen[str]) -> None:
    """Nor does it change the lock file, so that a sweep that starts meanwhile is never refused."""
    before = (sweep / ".lock").read_bytes()
    found = holder(sweep)
    assert found is not None and found.pid == held.pid
    held.kill()
    held.wait()
    assert holder(sweep) is None
    assert (sweep / ".lock").read_bytes() == before
    with only_one(sweep, "not refused"):
        assert (holder(sweep) or found).pid == os.getpid()


def test_for_programs(call: Call, sweep: Path, held: subprocess.Popen[str]) -> None:
    found = json.loads(call("status", sweep, "--json").output)
    assert (found["state"], found["holder"]["pid"], found["done"], found["total"]) == ("running", held.pid, 3, 8)
    assert found["counts"] == {"running": 1, "pending": 4, "finished": 2, "failed": 1}
    (begun,) = found["begun"]
    assert (begun["trial"], begun["alive"], begun["step"], begun["loss"]) == ("t3", True, 30, 2.5)
    assert found["failures"][0]["reason"] == "RuntimeError: broken on purpose"
    assert found["best"] == {"trial": "t0", "value": 2.0}


def test_without_a_folder_it_lists_the_runs(call: Call, sweep: Path) -> None:
    run = Path("runs/single")
    run.mkdir()
    write_json(run / "state.json", {"status": "diverged", "step": 3, "max_steps": 9})
    newer = Path("runs/newer")
    newer.mkdir()
    write_json(newer / "plan.json", {"schema_version": 99})
    os.utime(sweep / "plan.json", (1, 1))
    result = call("status")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "runs/single: diverged; 1 of 1 trial done: 1 diverged",
        "runs/attention: stopped; 3 of 8 trials done: 1 stopped, 4 pending, 2 finished, 1 failed, "
        "best: valid/loss 2.0000 (full / rotary, seed 0)",
    ]
    assert "schema version 99" in result.stderr
    assert call("status", "runs").stdout == result.stdout
    assert [run["kind"] for run in json.loads(call("status", "--json").stdout)] == ["run", "sweep"]


def test_nothing_to_tell_of(call: Call, own_folder: Path) -> None:
    result = call("status")
    assert (result.exit_code, result.stderr) == (2, "there is no folder runs here; name that of a run or a sweep\n")
    assert call("status", "nowhere").stderr == "nowhere is not a folder\n"
    Path("runs").mkdir()
    assert call("status").exit_code == 2
    assert "holds no runs" in call("status").stderr


def test_watching_ends_with_the_sweep(call: Call, sweep: Path, held: subprocess.Popen[str]) -> None:
    command = [sys.executable, "-m", "experiments.cli.main", "status", str(sweep), "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().startswith("3 of 8 trials done: 1 running")
        finish(sweep, plan_of()["trials"][3])
        assert watching.stdout.readline().startswith("4 of 8 trials done: 4 pending, 3 finished")
        held.kill()
        rest, _ = watching.communicate(timeout=60)
    assert watching.returncode == 0
    assert rest.splitlines()[0] == "attention: stopped"
    assert call("status", "runs", "--watch").exit_code == 2
    assert call("status", sweep, "--watch", "--json").exit_code == 2


def test_watching_what_nobody_works_on_ends_at_once(call: Call, sweep: Path) -> None:
    began = time.monotonic()
    assert call("status", sweep, "--watch").output == call("status", sweep).output
    assert time.monotonic() - began < 30


def test_a_sweep_without_a_trial_has_not_finished(call: Call, own_folder: Path) -> None:
    folder = Path("runs/none")
    (folder / "trials").mkdir(parents=True)
    assert json.loads(call("status", folder, "--json").output)["state"] == "not started"
