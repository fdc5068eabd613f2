"""Faults of the sweep itself: it is killed, asked to stop, its server dies, the clock is set, it has much to do."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from acts import begun
from processes import program, query
from sham import server, sham_sweep
from watching import below, is_running, wait_for

from experiments.store import StoreError


def started(folder: Path) -> int:
    return len(list(folder.glob("trials/*/begun.txt")))


def spawn(folder: Path, acts: list[str], **how: Any) -> subprocess.Popen[str]:
    """A sham sweep as a program of its own."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(program(folder, {"acts": acts}), **(pipes | how))


def rows(folder: Path) -> list[tuple[str, str]]:
    """Trials and their statuses, as the database knows them."""
    assert query(folder, "PRAGMA integrity_check") == [("ok",)]
    return query(folder, "SELECT id, status FROM trial ORDER BY id")


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["while its trials run", "while its server starts"])
@pytest.mark.fault(
    "F5",
    "the sweep is killed",
    "SIGKILL of the coordinator while trials run, and while the server that they are forked from starts",
    "within 5 s no trial, no process that a trial started and no server is left; nothing starts afterwards; called "
    "again, it trains what had not finished",
)
def test_a_killed_sweep(tmp_path: Path, moment: str) -> None:
    acts = ["finish", "with_child", "wait_for go", "finish"]
    with spawn(tmp_path, acts) as sweep:
        if moment == "while its trials run":
            wait_for(lambda: started(tmp_path) == 3, sweep)
            # with the one that a trial has started
            wait_for(lambda: len(below(sweep.pid)) >= 5, sweep)
        else:
            wait_for(lambda: len(below(sweep.pid)) >= 2, sweep)
        left = below(sweep.pid)
        sweep.kill()
    wait_for(lambda: not any(is_running(pid) for pid in left), seconds=30)
    before = {path.parent.name: begun(path.parent) for path in tmp_path.glob("trials/*/begun.txt")}
    time.sleep(1)
    assert before == {path.parent.name: begun(path.parent) for path in tmp_path.glob("trials/*/begun.txt")}
    (tmp_path / "go").touch()
    assert sham_sweep(tmp_path, acts) == 0
    assert rows(tmp_path) == [(f"{number:04}", "finished") for number in range(4)]
    assert begun(tmp_path / "trials/0000") == 1


@pytest.mark.slow
@pytest.mark.fault(
    "F6",
    "the power fails",
    "the folder is copied file by file at six moments while the sweep runs; the copies are continued",
    "each copy can be continued: it comes to all results, and trains nothing again that its copy knew as finished",
)
def test_a_power_cut(tmp_path: Path) -> None:
    acts = [f"sleep {0.05 * (number % 4)}" for number in range(12)]
    copies = []
    with spawn(tmp_path / "whole", acts) as sweep:
        wait_for(lambda: started(tmp_path / "whole") >= 1, sweep)
        while sweep.poll() is None and len(copies) < 6:
            copies.append(tmp_path / f"copy {len(copies)}")
            copied(tmp_path / "whole", copies[-1])
            time.sleep(0.07)
        sweep.communicate()
    assert len(copies) >= 3
    for copy in copies:
        done = {path.parent.name for path in copy.glob("trials/*/summary.json") if path.read_text().endswith("}\n")}
        before = {name: begun(copy / "trials" / name) for name in done}
        assert sham_sweep(copy, acts) == 0
        assert rows(copy) == [(f"{number:04}", "finished") for number in range(12)]
        assert before == {name: begun(copy / "trials" / name) for name in done}


def copied(source: Path, target: Path) -> None:
    """What is there now; files may come and go meanwhile."""
    target.mkdir()
    for path in sorted(source.iterdir()):
        if path.is_dir():
            copied(path, target / path.name)
        elif not path.name.startswith("."):
            try:
                shutil.copyfile(path, target / path.name)
            except FileNotFoundError:
                continue


@pytest.mark.slow
@pytest.mark.fault(
    "F21",
    "the server that trials are forked from is killed",
    "SIGKILL while two trials run and others wait",
    "the trials that run come to their end and count, the server is started again for the others, and each is begun "
    "and recorded once",
)
def test_a_killed_server(tmp_path: Path) -> None:
    def kill() -> None:
        wait_for(lambda: started(tmp_path) == 2)
        os.kill(server(), signal.SIGKILL)
        time.sleep(0.3)
        (tmp_path / "go").touch()

    helper = threading.Thread(target=kill)
    helper.start()
    assert sham_sweep(tmp_path, ["wait_for go", "wait_for go", "finish", "finish"]) == 0
    helper.join()
    assert rows(tmp_path) == [(f"{number:04}", "finished") for number in range(4)]
    assert [begun(path) for path in sorted(tmp_path.glob("trials/*"))] == [1] * 4


@pytest.mark.slow
@pytest.mark.fault(
    "F21",
    "a trial is killed after the server that it was forked from",
    "SIGKILL of both",
    "it is lost, and tried again",
)
def test_a_trial_killed_after_its_server(tmp_path: Path) -> None:
    def kill() -> None:
        path = tmp_path / "trials/0000/begun.txt"
        wait_for(lambda: path.exists() and path.read_text())
        os.kill(server(), signal.SIGKILL)
        time.sleep(0.3)
        os.kill(int(path.read_text()), signal.SIGKILL)
        (tmp_path / "go").touch()

    helper = threading.Thread(target=kill)
    helper.start()
    assert sham_sweep(tmp_path, ["wait_for go"]) == 0
    helper.join()
    assert rows(tmp_path) == [("0000", "finished")] and begun(tmp_path / "trials/0000") == 2


@pytest.mark.slow
@pytest.mark.fault(
    "F16",
    "the clock is set back, then forward",
    "time.time and datetime.now of all processes of the sweep move by an hour, twice",
    "durations are not negative, nothing times out, events keep their order, no lock is stolen",
)
def test_a_clock_that_is_set(tmp_path: Path) -> None:
    folder, offset = tmp_path / "sweep", tmp_path / "offset"
    offset.write_text("0")
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "CLOCK_OFFSET": str(offset)}
    acts = ["wait_for first", "wait_for second", "wait_for third"]
    wish = {"acts": acts, "limits": {"minutes": 5}}
    command = program(folder, wish)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as sweep:
        wait_for(lambda: started(folder) == 2, sweep)
        for number, (move, name) in enumerate((("-3600", "first"), ("3600", "second"), ("-3600", "third"))):
            offset.write_text(move)
            time.sleep(0.3)
            (folder / name).touch()
            wait_for(partial(ended, folder, number + 1))
        said, _ = sweep.communicate(timeout=60)
    assert sweep.returncode == 0, said
    assert rows(folder) == [(f"{number:04}", "finished") for number in range(3)]
    assert not re.search(r"-\d[\d.]* (s|min|h)", said) and "timed out" not in said
    assert [trial for trial, _ in ends(folder)] == ["0000", "0001", "0002"]
    first, second, third = (at for _, at in ends(folder))
    assert first < second > third, "the clock was not set"


def ended(folder: Path, trials: int) -> bool:
    return len(ends(folder)) == trials


def ends(folder: Path) -> list[tuple[str, str]]:
    """The trials in the order in which they ended, and when that was by the clock."""
    return query(folder, "SELECT trial, at FROM event WHERE trial IS NOT NULL ORDER BY seq")


CLOCK = """
import datetime, os, time
real, path = time.time, os.environ["CLOCK_OFFSET"]
shifted = lambda: real() + float(open(path).read() or 0)
time.time = shifted

class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(shifted(), tz)

datetime.datetime = Shifted
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=777", "tmpfs", str(place)]
    for start in ([], ["sudo", "-n"]):
        with contextlib.suppress(OSError):
            if subprocess.run([*start, *mount], capture_output=True).returncode == 0:
                yield place
                subprocess.run([*start, "umount", str(place)], check=True)
                return
    pytest.skip("mounting is not permitted here")


@pytest.mark.fault(
    "F12",
    "the disk is full while a sweep goes on",
    "a file system of 3 MB that a trial fills up",
    "no further trial starts; the message says about how much is missing; with space freed, the sweep comes to its end",
)
def test_a_full_disk(small_disk: Path) -> None:
    acts = ["finish", "fill", "finish"]
    with pytest.raises((OSError, StoreError), match=r"about \d+ kB more are needed.*the same command continues"):
        sham_sweep(small_disk, acts, workers=1)
    assert started(small_disk) == 2
    (small_disk / "ballast").unlink()
    assert sham_sweep(small_disk, ["finish"] * 3, workers=1) == 0
    assert rows(small_disk) == [(f"{number:04}", "finished") for number in range(3)]
    assert [begun(path) for path in sorted(small_disk.glob("trials/*"))] == [1, 2, 1]


@pytest.mark.slow
@pytest.mark.fault(
    "F22",
    "there are a thousand trials",
    "1,000 trials that do nothing",
    "less than 50 ms of the coordinator's time for each, no growing memory, fewer than 20 open files",
)
def test_a_thousand_trials(tmp_path: Path) -> None:
    done = subprocess.run(program(tmp_path, {"acts": ["finish"] * 1000}), capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    found = json.loads((tmp_path / "measured.json").read_text())
    assert len(rows(tmp_path)) == 1000
    assert found["seconds"] / 1000 < 0.05
    assert found["files"] < 20
    memory = found["memory_mb"]
    # after the first trials everything is loaded
    assert max(memory) - memory[len(memory) // 10] < 10, memory
