"""Trials that end in ways of their own, and what becomes of them and of the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from acts import begun
from processes import program, query
from sham import sham_sweep, statuses
from watching import is_running, wait_for

from experiments.sweep.memory import oom_kills


def reason(folder: Path, trial: str) -> str:
    return str(json.loads((folder / "trials" / trial / "state.json").read_text())["reason"])


@pytest.mark.fault(
    "F10",
    "a trial raises, exits early, vanishes or never ends",
    "an exception; sys.exit(0); os._exit(0); a sleep of an hour under limits.minutes",
    "each is failed, with the exception, or that it ended without a result or timed out; none is tried again; the "
    "others finish; the sweep exits with 3",
)
def test_trials_that_end_badly(tmp_path: Path) -> None:
    acts = ["raise broken on purpose", "exit 0", "vanish 0", "sleep 3600", "finish"]
    assert sham_sweep(tmp_path, acts, limits={"minutes": 0.02, "retries": 3}) == 3
    assert statuses(tmp_path) == ["failed"] * 4 + ["running"]
    assert reason(tmp_path, "0000") == "RuntimeError: broken on purpose"
    assert reason(tmp_path, "0001") == reason(tmp_path, "0002") == "ended without a result, with exit code 0"
    assert reason(tmp_path, "0003") == "timed out after 0.02 min"
    assert [begun(tmp_path / "trials" / f"{number:04}") for number in range(5)] == [1] * 5
    (pid,) = (tmp_path / "trials/0003/begun.txt").read_text().split()
    assert not is_running(int(pid))
    assert json.loads((tmp_path / "trials/0004/summary.json").read_text())["status"] == "finished"


@pytest.mark.fault(
    "F10",
    "a trial is killed",
    "SIGKILL and SIGSEGV from within, once and for ever, under limits.retries",
    "it is tried again so often, then failed with the signal's name; one that gets through is like any other",
)
def test_trials_that_are_killed(tmp_path: Path) -> None:
    acts = ["die 9 1", "die 11 9", "finish"]
    assert sham_sweep(tmp_path, acts, limits={"retries": 1}) == 3
    assert [begun(tmp_path / "trials" / name) for name in ("0000", "0001", "0002")] == [2, 2, 1]
    assert (tmp_path / "trials/0000/summary.json").exists()
    assert reason(tmp_path, "0001") == "killed by SIGSEGV, 2 times"
    events = query(tmp_path, "SELECT kind, trial FROM event")
    assert sorted(trial for kind, trial in events if kind == "lost") == ["0000", "0001"]


@pytest.mark.fault(
    "F10",
    "a trial fails in a sweep that is to stop then",
    "an exception, under limits.on_failure: stop",
    "no further trial starts, the others save and stop, the sweep exits with 3, and goes on when it is called again",
)
def test_stopping_at_a_failure(tmp_path: Path) -> None:
    acts = ["raise broken", *["finish"] * 5]
    assert sham_sweep(tmp_path, acts, workers=1, limits={"on_failure": "stop"}) == 3
    assert [path.parent.name for path in tmp_path.glob("trials/*/begun.txt")] == ["0000"]
    assert sham_sweep(tmp_path, acts, workers=1) == 3
    assert len(list(tmp_path.glob("trials/*/summary.json"))) == 5
    assert begun(tmp_path / "trials/0000") == 1


@pytest.mark.fault(
    "F11",
    "a trial needs more memory than it may have",
    "limits.memory_mb (RLIMIT_DATA)",
    "it is failed, out of memory, and not tried again; the others finish",
)
def test_memory_limit(tmp_path: Path) -> None:
    acts = ["allocate 4000", "allocate 1"]
    assert sham_sweep(tmp_path, acts, limits={"memory_mb": 3000, "retries": 2}) == 3
    assert "out of memory" in reason(tmp_path, "0000") and begun(tmp_path / "trials/0000") == 1
    assert (tmp_path / "trials/0001/summary.json").exists()


def control_group(limit_mb: int) -> Path:
    """A control group for memory: of version 1, or of version 2 where it is delegated. Skips where none can be made."""
    for top, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = Path(top) / f"swapformer-{os.getpid()}"
        try:
            group.mkdir()
            (group / limit).write_text(str(limit_mb * 2**20))
        except OSError:
            continue
        return group
    pytest.skip("no control group can be made here")


@pytest.mark.slow
@pytest.mark.fault(
    "F11",
    "the kernel kills a trial for want of memory",
    "a control group of 1500 MB around the whole sweep",
    "it is failed as killed, probably out of memory, and not tried again; the others finish",
)
def test_killed_by_the_kernel(tmp_path: Path) -> None:
    wish = {"acts": ["allocate 4000", "allocate 1"], "limits": {"retries": 2}}
    group = control_group(1500)
    enter = f"import os, sys; open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
    words = [sys.executable, "-c", f"{enter}; os.execv(sys.argv[1], sys.argv[1:])", *program(tmp_path, wish)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=200)
        wait_for(lambda: not (group / "cgroup.procs").read_text(), seconds=20)
    finally:
        group.rmdir()
    assert done.returncode == 3, done.stdout + done.stderr
    assert reason(tmp_path, "0000") == "killed, probably out of memory" and begun(tmp_path / "trials/0000") == 1
    assert (tmp_path / "trials/0001/summary.json").exists()


@pytest.mark.parametrize(
    ("group", "counter"),
    [
        ("0::/user/a\n", "sys/fs/cgroup/user/a/memory.events"),
        ("0::/user/a\n", "sys/fs/cgroup/memory.events"),
        ("5:cpu:/\n4:memory:/box\n0::/\n", "sys/fs/cgroup/memory/box/memory.oom_control"),
    ],
)
def test_where_the_kernel_counts(tmp_path: Path, group: str, counter: str) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(group)
    assert oom_kills(tmp_path) is None
    (tmp_path / counter).parent.mkdir(parents=True)
    (tmp_path / counter).write_text("low 0\noom 3\noom_kill 2\n")
    assert oom_kills(tmp_path) == 2


@pytest.mark.fault(
    "F15",
    "a trial is stopped for a while and goes on late",
    "SIGSTOP, then SIGCONT when all others are done",
    "it is not started a second time, and its result counts once",
)
def test_a_trial_that_is_late(tmp_path: Path) -> None:
    def hold() -> None:
        mark = tmp_path / "trials/0000/begun.txt"
        wait_for(lambda: mark.exists() and mark.read_text())
        os.kill(int(mark.read_text()), signal.SIGSTOP)
        (tmp_path / "go").touch()
        wait_for(lambda: len(list(tmp_path.glob("trials/*/summary.json"))) == 3)
        time.sleep(0.5)
        os.kill(int(mark.read_text()), signal.SIGCONT)

    helper = threading.Thread(target=hold)
    helper.start()
    assert sham_sweep(tmp_path, ["wait_for go", *["finish"] * 3]) == 0
    helper.join()
    assert begun(tmp_path / "trials/0000") == 1
    rows = query(tmp_path, "SELECT status FROM trial")
    assert rows == [("finished",)] * 4
