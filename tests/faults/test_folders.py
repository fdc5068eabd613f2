"""Two at the same folder, and folders in which nothing can be written."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from processes import command, tiny

from experiments.cli.main import cli
from experiments.training.errors import Busy
from experiments.training.folder_lock import LOCK, only_one

HOLDER = re.compile(r"\(process (\d+) on (\S+), since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def start(*words: str, **how: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)


@pytest.mark.slow
@pytest.mark.fault(
    "F7",
    "two sweeps are started in one folder",
    "both at the same moment, twenty times",
    "one goes on; the other is refused at once with exit code 4, naming the process, host and start of the first",
)
def test_two_sweeps_in_a_folder(tmp_path: Path) -> None:
    spec = tiny(tmp_path)
    # the index of parts is made by whoever needs it first
    subprocess.run(command("list"), stdout=subprocess.DEVNULL, check=True)
    for number in range(20):
        both = [start("sweep", str(spec), "--out", str(tmp_path / f"runs {number}")) for _ in range(2)]
        until = time.monotonic() + 60
        while all(one.poll() is None for one in both):
            assert time.monotonic() < until, "neither was refused"
            time.sleep(0.01)
        refused, other = sorted(both, key=lambda one: one.poll() is None)
        assert other.poll() is None
        said = refused.communicate()[0]
        other.kill()
        other.communicate()
        assert refused.returncode == 4
        found = HOLDER.search(said)
        assert found is not None, said
        assert (int(found[1]), found[2]) == (other.pid, socket.gethostname())


@pytest.mark.fault(
    "F7",
    "a folder was locked by a process that is gone",
    "a lock file left behind; a second process while the lock is held",
    "what stands in the file locks nothing; whoever holds the kernel's lock is named, never one that is gone",
)
def test_what_a_lock_says(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    left = {"pid": gone.pid, "host": socket.gethostname(), "since": "2020-01-01 00:00:00+00:00"}
    (tmp_path / LOCK).write_text(json.dumps(left) + " " * 200)
    with only_one(tmp_path, "taken"):
        with pytest.raises(Busy) as caught, only_one(tmp_path, "taken"):
            pass
        found = HOLDER.search(str(caught.value))
        assert found is not None and int(found[1]) == os.getpid()
        (tmp_path / LOCK).write_text(json.dumps(left))
        with pytest.raises(Busy) as caught, only_one(tmp_path, "taken"):
            pass
        assert str(caught.value) == f"{tmp_path}: taken"


@pytest.mark.slow
@pytest.mark.fault(
    "F8",
    "one spec is trained twice at the same time",
    "two sweeps of it into two folders; two runs of it in the same second",
    "the sweeps share no file and come to the same numbers; one of the runs trains, the other is refused with 4",
)
def test_one_spec_twice(tmp_path: Path) -> None:
    spec = tiny(tmp_path)
    both = [start("sweep", str(spec), "--out", str(tmp_path / name)) for name in "ab"]
    said = [one.communicate(timeout=200)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    files = {
        name: {
            path.relative_to(tmp_path / name): (path.stat().st_dev, path.stat().st_ino)
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in "ab"
    }
    assert not {*files["a"].values()} & {*files["b"].values()}
    summaries = [path for path in files["a"] if path.name == "summary.json"]
    assert len(summaries) == 2
    for path in summaries:
        a, b = (json.loads((tmp_path / name / path).read_text())["metrics"] for name in "ab")
        assert a == b
    runs = [start("run", str(spec), "trainer.max_steps=300", "--out", str(tmp_path / "c")) for _ in range(2)]
    said = [one.communicate(timeout=200)[0] for one in runs]
    assert sorted(one.returncode for one in runs) == [0, 4], said
    assert "another process is training here (process " in said[[one.returncode for one in runs].index(4)]
    (summary,) = tmp_path.glob("c/*/summary.json")
    assert json.loads(summary.read_text())["status"] == "finished"


def refused(*words: str) -> str:
    result = CliRunner().invoke(cli, list(words))
    assert result.exit_code == 2, result.output
    assert len(result.output.splitlines()) == 1 and "cannot write to" in result.output
    return result.output


@pytest.mark.fault(
    "F13",
    "results cannot be written where they should",
    "the folder is a file; it is to be made in a file, or below one; its name is too long",
    "refused before anything is planned or trained, with one line and exit code 2",
)
def test_impossible_folders(tmp_path: Path) -> None:
    spec, out = str(tiny(tmp_path)), tmp_path / "runs"
    out.mkdir()
    (out / "tiny").touch()
    assert "File exists" in refused("sweep", spec, "--out", str(out))
    assert "Not a directory" in refused("sweep", spec, "--out", str(out / "tiny"))
    assert "Not a directory" in refused("sweep", spec, "--out", str(out / "tiny" / "below"))
    assert "File name too long" in refused("sweep", spec, "--out", str(tmp_path / ("x" * 300)))


@pytest.mark.fault(
    "F13",
    "nobody may write where results should go",
    "a folder without the permission to write, as the folder itself and as its parent; for root, without the "
    "capability to write anyway",
    "refused before anything is planned or trained, with one line and exit code 2",
)
def test_forbidden_folders(tmp_path: Path) -> None:
    spec = tiny(tmp_path)
    for folder in (tmp_path / "parent", tmp_path / "own" / "tiny"):
        folder.mkdir(parents=True)
        folder.chmod(0o500)
        out = folder.parent if folder.name == "tiny" else folder
        done = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, *command("sweep", str(spec), "--out", str(out))],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stderr.splitlines() == [f"cannot write to {out / 'tiny'}: Permission denied"]


# PR_CAPBSET_DROP of CAP_DAC_OVERRIDE: from the next program on, permissions hold for root, too
UNPRIVILEGED = """
import ctypes, os, sys
if os.geteuid() == 0 and ctypes.CDLL(None).prctl(24, 1, 0, 0, 0) != 0:
    sys.exit("cannot drop the capability")
os.execv(sys.argv[1], sys.argv[1:])
"""
