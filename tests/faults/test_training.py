"""A trial that is killed, damaged or left without room goes on to the numbers of one that was not."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from toy import run_and_exit, toy_parts
from training_acts import crash, remember_and_exit, remembering_parts, with_little_memory, with_small_files
from watching import below

from experiments.training.checkpoint_io import BEST, LAST, PREVIOUS, newest, read_checkpoint
from experiments.training.trial import run_trial

PROMISED = "the metrics and weights of a trial that was not disturbed, bit for bit"


def weights(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = read_checkpoint(folder / "checkpoints" / LAST)["state_dict"]
    return found


def state(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return found


@pytest.fixture
def finishes(tmp_path: Path, read_curve: Any) -> Callable[..., None]:
    """Whether a trial, continued, comes to the same end as an undisturbed one, and leaves nothing lying about."""

    def check(spec: dict[str, Any], folder: Path, build_parts: Any = toy_parts) -> None:
        whole = run_trial(spec, tmp_path / "whole", build_parts=build_parts)
        found = run_trial(spec, folder, build_parts=build_parts)
        for name in ("status", "metrics", "best_metrics", "best_step", "steps", "tokens", "batches"):
            assert found[name] == whole[name], name
        assert read_curve(folder) == read_curve(tmp_path / "whole")
        again, straight = weights(folder), weights(tmp_path / "whole")
        assert all(torch.equal(again[name], straight[name]) for name in straight)
        assert not [*folder.rglob(".*.tmp")]

    return check


def end_of(process: Any) -> int | None:
    process.start()
    process.join(timeout=120)
    assert process.exitcode is not None
    return int(process.exitcode)


@pytest.mark.slow
@pytest.mark.fault("F1", "a trial is killed in the middle of a pass", "kill -9 at 10 random instants", PROMISED)
def test_killed_at_random(tmp_path: Path, toy_spec: Any, children: Any, finishes: Any) -> None:
    spec = toy_spec(max_steps=200, val_check_interval=10)
    folder, rows = tmp_path / "killed", tmp_path / "killed/metrics.csv"
    instants = sorted(random.Random(5).sample(range(20, 440), 10))
    for lines in instants:
        child = children.Process(target=run_and_exit, args=(spec, folder, []))
        child.start()
        while child.is_alive() and not (rows.exists() and rows.read_bytes().count(b"\n") > lines):
            time.sleep(0.002)
        child.kill()
        child.join()
        assert child.exitcode == -9
    finishes(spec, folder)


def pieces(spec: dict[str, Any], folder: Path) -> int:
    """In how many pieces a checkpoint of a trial is written."""

    class Counted:
        count = 0

        def write(self, piece: Any) -> int:
            self.count += 1
            return len(piece)

        def flush(self) -> None:
            pass

    run_trial(spec, folder, build_parts=toy_parts, until=1)
    torch.save(read_checkpoint(folder / "checkpoints" / LAST), counted := Counted())
    return counted.count


# the saves are after steps 4, 8, 12 and 14; each dies in the second
CHECKPOINTS = {
    "checkpoint.open:2": (LAST, 4),
    "checkpoint.half_written": (LAST, 4),
    "checkpoint.before_sync:2": (LAST, 4),
    "checkpoint.before_replace:2": (LAST, 4),
    "checkpoint.between_replaces": (PREVIOUS, 4),
    "checkpoint.after_replace:2": (LAST, 8),
}


@pytest.mark.fault("F2", "a trial is killed while it saves", "kill -9 at each crash point of a checkpoint", PROMISED)
@pytest.mark.parametrize("where", CHECKPOINTS)
def test_killed_while_saving(where: str, tmp_path: Path, toy_spec: Any, children: Any, finishes: Any) -> None:
    spec, folder, kept = toy_spec(), tmp_path / "killed", CHECKPOINTS[where]
    if where == "checkpoint.half_written":
        where += f":{int(pieces(spec, tmp_path / 'pieces') * 1.5)}"
    assert end_of(children.Process(target=crash, args=(spec, folder, where))) == -9
    found = newest(folder / "checkpoints")
    assert found is not None
    assert (found[0].name, found[1]["global_step"]) == kept
    strays = [path.stat().st_size for path in (folder / "checkpoints").glob(".*.tmp")]
    assert len(strays) == (where.split(":")[0] not in ("checkpoint.open", "checkpoint.after_replace"))
    if "half_written" in where:
        assert 0 < strays[0] < (folder / "checkpoints" / LAST).stat().st_size
    finishes(spec, folder)


@pytest.mark.fault("F3", "the same with TMPDIR on another disk", "kill -9, TMPDIR in memory", "nothing is staged there")
@pytest.mark.parametrize("where", ["checkpoint.half_written:60", "checkpoint.before_replace:2"])
def test_killed_while_saving_beside_another_disk(
    where: str, tmp_path: Path, toy_spec: Any, children: Any, finishes: Any
) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other disk")
    elsewhere = memory / f"swapformer-{os.getpid()}"
    elsewhere.mkdir()
    try:
        spec = toy_spec()
        assert end_of(children.Process(target=crash, args=(spec, tmp_path / "killed", where, str(elsewhere)))) == -9
        assert not [path for path in elsewhere.rglob("*") if "ckpt" in path.name]
    finally:
        shutil.rmtree(elsewhere)
    finishes(spec, tmp_path / "killed")


@pytest.mark.fault(
    "F2", "a trial is killed while it writes another file", "kill -9 at each of its crash points", PROMISED
)
@pytest.mark.parametrize(
    "where",
    [
        *(
            f"{file}.{point}"
            for file in ("summary", "spec")
            for point in ("before_write", "half_written", "after_write")
        ),
        *(
            f"{file}.{point}:3"
            for file in ("metrics", "state")
            for point in ("before_write", "half_written", "after_write")
        ),
    ],
)
def test_killed_while_writing(where: str, tmp_path: Path, toy_spec: Any, children: Any, finishes: Any) -> None:
    spec = toy_spec()
    assert end_of(children.Process(target=crash, args=(spec, tmp_path / "killed", where))) == -9
    assert (tmp_path / "killed/summary.json").exists() == (where == "summary.after_write")
    finishes(spec, tmp_path / "killed")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", str(place)]
    for start in ([], ["sudo", "-n"]):
        with contextlib.suppress(OSError):
            if subprocess.run([*start, *mount], capture_output=True).returncode == 0:
                yield place
                subprocess.run([*start, "umount", str(place)], check=True)
                return
    pytest.skip("mounting is not permitted here; the limit of a file's size is tested everywhere")


@pytest.mark.fault("F12", "the disk is full while a trial trains", "a file system of 1 MB, filled up", PROMISED)
@pytest.mark.parametrize("room", [0, 10_000, 40_000])
def test_full_disk(room: int, small_disk: Path, toy_spec: Any, children: Any, finishes: Any) -> None:
    """From no byte left, not even for the state, to room for the metrics and half a checkpoint."""
    spec, folder, ballast = toy_spec(max_steps=60), small_disk / "run", small_disk / "ballast"
    run_trial(spec, folder, build_parts=toy_parts, until=1)
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(ballast, ballast.stat().st_size - room)
    with pytest.raises(OSError, match="No space left on device") as full:
        run_trial(spec, folder, build_parts=toy_parts)
    assert str(full.value.filename).startswith(str(folder))
    if room == 40_000:
        assert state(folder)["status"] == "failed"
        assert state(folder)["reason"].startswith("disk full: [Errno 28] No space left on device")
    found = newest(folder / "checkpoints")
    assert found is not None
    assert not [*folder.rglob(".*.tmp")]
    ballast.unlink()
    finishes(spec, folder)


@pytest.mark.fault(
    "F12", "files can grow no further", "RLIMIT_FSIZE below a checkpoint, and below the metrics", PROMISED
)
@pytest.mark.parametrize("most", [40_000, 6_000])
def test_small_files(most: int, tmp_path: Path, toy_spec: Any, children: Any, finishes: Any) -> None:
    spec, folder = toy_spec(max_steps=200, val_check_interval=150), tmp_path / "run"
    assert end_of(children.Process(target=with_small_files, args=(spec, folder, most))) == 1
    assert state(folder)["status"] == "failed"
    assert state(folder)["reason"].startswith("disk full: [Errno 27] File too large")
    assert ("last.ckpt" in state(folder)["reason"]) == (most == 40_000)
    assert newest(folder / "checkpoints") is None
    finishes(spec, folder)


@pytest.mark.fault("F11", "a trial asks for more memory than it may have", "RLIMIT_DATA", "failed: out of memory")
def test_out_of_memory(tmp_path: Path, toy_spec: Any, children: Any) -> None:
    spec = toy_spec() | {"model": {"width": 200_000}}
    assert end_of(children.Process(target=with_little_memory, args=(spec, tmp_path / "run", 100))) == 1
    assert state(tmp_path / "run")["status"] == "failed"
    assert state(tmp_path / "run")["reason"].startswith("out of memory: ")


class Evil:
    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.proof),)


def damaged(kind: str, path: Path, proof: Path) -> None:
    whole = path.read_bytes()
    # the best may be the last by another name, and is to be damaged on its own
    path.unlink()
    if kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "flipped":
        # in the middle of the weights, which are most of the file
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        torch.save({"global_step": 99, "state_dict": Evil(proof)}, path)


@pytest.mark.fault(
    "F17",
    "the newest checkpoints are damaged, or somebody else's with code in it",
    "truncated, emptied, a bit flipped, a pickle that makes a folder",
    "an older one is taken with a message, the code does not run; " + PROMISED,
)
@pytest.mark.parametrize("names", [[LAST], [LAST, PREVIOUS], [LAST, PREVIOUS, BEST]])
@pytest.mark.parametrize("kind", ["truncated", "flipped", "empty", "foreign"])
def test_damaged_checkpoints(kind: str, names: list[str], tmp_path: Path, toy_spec: Any, finishes: Any) -> None:
    spec, folder = toy_spec(), tmp_path / "run"
    run_trial(spec, folder, build_parts=toy_parts, until=12)
    for name in names:
        damaged(kind, folder / "checkpoints" / name, tmp_path / "proof")
    with open(folder / "metrics.csv", "a") as file:
        file.write("13,2,0.5,train/lo")
    notes: list[str] = []
    run_trial(
        spec,
        folder,
        build_parts=toy_parts,
        until=12,
        on_progress=lambda event: notes.append(event["text"]) if event["event"] == "note" else None,
    )
    assert [name for name in names if any(name in text and "older checkpoint" in text for text in notes)] == names
    finishes(spec, folder)
    assert not (tmp_path / "proof").exists()


@pytest.mark.fault("F27", "a trial is killed and goes on", "models with and without a memory of the text", PROMISED)
@pytest.mark.parametrize("save", [1, 2, 3])
def test_what_is_remembered_goes_on(save: int, tmp_path: Path, toy_spec: Any, children: Any, finishes: Any) -> None:
    """For schedules, kinds of attention and every step of a pass see tests/experiments/training/test_resume*.py."""
    spec = toy_spec(max_steps=10, val_check_interval=3)
    spec["data"]["order"] = "contiguous"
    where = f"checkpoint.after_replace:{save}"
    assert end_of(children.Process(target=remember_and_exit, args=(spec, tmp_path / "run", where))) == -9
    finishes(spec, tmp_path / "run", remembering_parts)


@pytest.mark.slow
@pytest.mark.fault(
    "F25",
    "one of the processes that train a trial together is killed",
    "kill -9 of the first, of the second",
    "the trial fails within 10 s, no process is left; " + PROMISED,
)
@pytest.mark.parametrize("victim", [0, 1])
def test_a_rank_is_killed(victim: int, tmp_path: Path, toy_spec: Any, children: Any, finishes: Any) -> None:
    spec, folder = toy_spec(max_steps=400, val_check_interval=100, log_every_n_steps=50, devices=2), tmp_path / "run"
    first = children.Process(target=run_and_exit, args=(spec, folder, []))
    first.start()
    saved = folder / "checkpoints" / LAST
    while first.is_alive() and not saved.exists():
        time.sleep(0.05)
    (second,) = below(first.pid)
    os.kill((first.pid, second)[victim], signal.SIGKILL)
    began = time.monotonic()
    first.join(timeout=10)
    while Path(f"/proc/{second}").exists() and time.monotonic() - began < 10:
        time.sleep(0.05)
    assert not Path(f"/proc/{second}").exists()
    assert first.exitcode == (-9, 1)[victim]
    if victim == 1:
        assert state(folder)["status"] == "failed"
        assert state(folder)["reason"] == "rank 1 was killed by SIGKILL"
    finishes(spec, folder)


@pytest.mark.slow
@pytest.mark.fault(
    "F25",
    "a signal to all processes of a trial that trains on two devices",
    "SIGTERM to the command's group, then the same command",
    "exit code 143, saved by all at the same step, then finished",
)
def test_a_command_on_two_devices_is_stopped(tmp_path: Path) -> None:
    options = ["model.dim=32", "model.layers=1", "trainer.max_steps=600", "trainer.devices=2", "trainer.strategy=ddp"]
    more = [
        "trainer.accelerator=cpu",
        "data.length=32",
        "data.batch_size=4",
        "trainer.limit_val_batches=1",
        "trainer.val_check_interval=20",
    ]
    command = [sys.executable, "-m", "experiments.cli.main", "run", "demo", *options, *more, "--out", str(tmp_path)]
    with open(tmp_path / "said.txt", "wb") as said:
        running = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
        while running.poll() is None and not [*tmp_path.glob("*/checkpoints/last.ckpt")]:
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGTERM)
        assert running.wait(timeout=60) == 143, (tmp_path / "said.txt").read_text()
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert state(folder)["status"] == "interrupted"
    assert 0 < state(folder)["step"] == read_checkpoint(folder / "checkpoints" / LAST)["global_step"] < 600
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "summary.json").read_text())["steps"] == 600
