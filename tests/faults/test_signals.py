"""A sweep that is asked to stop, by the user, the system or a terminal that goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import command, tiny
from watching import below, is_running, wait_for

pytestmark = pytest.mark.slow

LONG = {"max_steps": 100_000, "val_check_interval": 50_000}


def states(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: json.loads(path.read_text()) for path in folder.glob("trials/*/state.json")}


def training(folder: Path) -> bool:
    """Whether both trials are well on their way."""
    return [state["step"] > 5 for state in states(folder).values()] == [True, True]


def checkpoints(folder: Path) -> int:
    return len(list(folder.glob("trials/*/checkpoints/last.ckpt")))


def sweep(folder: Path, words: tuple[str, ...] = (), **how: Any) -> subprocess.Popen[str]:
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    spec = tiny(folder, trainer=LONG)
    return subprocess.Popen([*words, *command("sweep", str(spec), "--out", str(folder))], **(pipes | how))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.fault(
    "F14",
    "the sweep is asked to stop",
    "SIGINT, SIGTERM and SIGHUP to the coordinator",
    "every trial saves and stops; the exit code is 130, 143 or 129; called again, each goes on where it was",
)
def test_asked_once(tmp_path: Path, number: int, code: int) -> None:
    with sweep(tmp_path) as process:
        wait_for(lambda: training(tmp_path / "tiny"), process)
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert [state["status"] for state in states(tmp_path / "tiny").values()] == ["interrupted"] * 2
    assert checkpoints(tmp_path / "tiny") == 2
    assert "the same command continues" in said
    before = {name: state["step"] for name, state in states(tmp_path / "tiny").items()}
    with sweep(tmp_path) as process:
        wait_for(lambda: all(s["step"] > before[name] + 5 for name, s in states(tmp_path / "tiny").items()), process)
        process.kill()


@pytest.mark.fault(
    "F14",
    "the sweep is asked to stop twice",
    "two SIGINT to the coordinator, the second while the trials are held from saving",
    "it stops at once, with exit code 130 and no process left",
)
def test_asked_twice(tmp_path: Path) -> None:
    with sweep(tmp_path) as process:
        wait_for(lambda: training(tmp_path / "tiny"), process)
        left = below(process.pid)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 130, said
    wait_for(lambda: not any(is_running(pid) for pid in left), seconds=30)


@pytest.mark.fault(
    "F14",
    "one trial is asked to stop",
    "SIGTERM to its process",
    "it saves and is interrupted, the other goes on; the sweep ends with 3, and goes on when it is called again",
)
def test_a_trial_asked(tmp_path: Path) -> None:
    short = {"max_steps": 400, "val_check_interval": 50}
    spec = tiny(tmp_path, trainer=short)
    words = command("sweep", str(spec), "--out", str(tmp_path))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        wait_for(lambda: any(state["step"] > 5 for state in states(tmp_path / "tiny").values()), process)
        name = next(name for name, state in states(tmp_path / "tiny").items() if state["step"] > 5)
        os.kill(trial_process(process.pid, tmp_path / "tiny/trials" / name), signal.SIGTERM)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 3, said
    found = {name: state["status"] for name, state in states(tmp_path / "tiny").items()}
    assert found.pop(name) == "interrupted" and list(found.values()) == ["finished"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def trial_process(sweep: int, folder: Path) -> int:
    """The process of a trial: the one that writes its log."""
    for pid in below(sweep):
        try:
            if os.readlink(f"/proc/{pid}/fd/1") == str(folder / "log.txt"):
                return pid
        except OSError:
            continue
    raise AssertionError("no process writes there")


@pytest.mark.fault(
    "F14",
    "the terminal goes away",
    "a sweep in the foreground of a pseudo-terminal, which is closed",
    "every trial saves and stops, the exit code is 129, and nothing is left running",
)
def test_a_terminal_that_goes_away(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    # in a session of its own, whose terminal this is
    take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    words = (sys.executable, "-c", take)
    with sweep(tmp_path, words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        os.set_blocking(ours, False)

        def ready() -> bool:
            # what is shown must be read, or the terminal is full one day
            with_nothing_to_read = False
            while not with_nothing_to_read:
                try:
                    os.read(ours, 100_000)
                except BlockingIOError:
                    with_nothing_to_read = True
            return training(tmp_path / "tiny")

        wait_for(ready, process)
        left = below(process.pid)
        os.close(ours)
        process.wait(timeout=60)
    assert process.returncode == 129
    assert [state["status"] for state in states(tmp_path / "tiny").values()] == ["interrupted"] * 2
    assert checkpoints(tmp_path / "tiny") == 2
    wait_for(lambda: not any(is_running(pid) for pid in left), seconds=30)
