"""The database of a sweep, killed, full, broken, of another version: the trial folders hold every result."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from acts import begun
from click.testing import CliRunner
from processes import program
from sweep_folder import finish, plan_of, write_sweep

from experiments.cli.main import cli
from experiments.store import DATABASE, Store, StoreError, rebuild
from experiments.store.schema import VERSION

FIXTURES = Path(__file__).parents[1] / "experiments" / "store" / "fixtures"
COORDINATOR = """
import json, sys
from pathlib import Path
from sweep_folder import finish
from experiments.store import Store

folder = Path(sys.argv[1])
plan = json.loads((folder / "plan.json").read_text())
with Store(folder) as store:
    store.sync(plan)
    for trial in plan["trials"]:
        if not (folder / "trials" / trial["id"] / "summary.json").exists():
            finish(folder, trial)
            store.commit(trial["id"])
"""


def coordinate(folder: Path, crash_at: str = "", prepare: Callable[[], None] | None = None) -> tuple[int, str]:
    """What a coordinator does with its database, in a process of its own; its exit code and the error it ends with."""
    paths = os.pathsep.join([str(Path(__file__).parents[1] / "experiments"), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths, **({"SWAPFORMER_CRASH_AT": crash_at} if crash_at else {})}
    command = [sys.executable, "-c", COORDINATOR, str(folder)]
    done = subprocess.run(command, env=environment, preexec_fn=prepare, capture_output=True, text=True, check=False)
    return done.returncode, (done.stderr.splitlines() or [""])[-1]


def ask(folder: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(folder / DATABASE)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def assert_each_trial_once(folder: Path, trials: int) -> None:
    assert ask(folder, "PRAGMA integrity_check") == [("ok",)]
    assert ask(folder, "PRAGMA foreign_key_check") == []
    assert ask(folder, "SELECT count(*), count(DISTINCT id) FROM trial") == [(trials, trials)]
    assert ask(folder, "SELECT status, count(*) FROM trial GROUP BY status") == [("finished", trials)]
    assert ask(folder, "SELECT count(*) FROM final WHERE name = 'valid/loss'") == [(trials,)]
    assert ask(folder, 'SELECT count(*) FROM results WHERE "valid/loss" IS NOT NULL') == [(trials,)]


def results(folder: Path, *arguments: str) -> Any:
    """`swapformer results`, whose output must show no traceback."""
    found = CliRunner().invoke(cli, ["results", str(folder), *arguments])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    assert "Traceback" not in found.output
    return found


@pytest.mark.fault(
    "F4",
    "the coordinator is killed while it records a result",
    "SIGKILL right before, inside and right after the transaction, of the first and of a later trial",
    "after the same command each trial has exactly one set of rows, all of the plan, and the database is sound",
)
@pytest.mark.parametrize("point", ["store.before_commit", "store.in_commit", "store.after_commit"])
@pytest.mark.parametrize("number", [1, 5])
def test_a_coordinator_killed_at_a_commit(tmp_path: Path, point: str, number: int) -> None:
    folder = write_sweep(tmp_path / "sweep", done=0)
    assert coordinate(folder, f"{point}:{number}")[0] == -signal.SIGKILL
    # what was committed is there, and nothing of what was not
    committed = number if point == "store.after_commit" else number - 1
    assert ask(folder, "SELECT count(DISTINCT trial) FROM final") == [(committed,)]
    assert ask(folder, "SELECT count(*) FROM trial WHERE status = 'finished'") == [(committed,)]
    assert coordinate(folder) == (0, "")
    assert_each_trial_once(folder, 8)


@pytest.mark.slow
@pytest.mark.fault(
    "F4",
    "the coordinator of a sweep with its trials is killed while it records a result",
    "SIGKILL at the same points, in a whole sweep of trials that pretend to train",
    "after the same command each trial has exactly one set of rows, and none was trained twice",
)
@pytest.mark.parametrize("point", ["store.before_commit", "store.in_commit", "store.after_commit"])
def test_a_sweep_killed_at_a_commit(tmp_path: Path, point: str) -> None:
    command = program(tmp_path / "sweep", {"acts": ["finish"] * 4})
    environment = {**os.environ, "SWAPFORMER_CRASH_AT": f"{point}:2"}
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed = subprocess.run(command, capture_output=True, check=False)
    assert resumed.returncode == 0, resumed.stderr
    assert_each_trial_once(tmp_path / "sweep", 4)
    ended = json.loads((tmp_path / "sweep" / "plan.json").read_text())["trials"]
    # one that had not ended when the coordinator died is begun again
    assert all(begun(tmp_path / "sweep" / "trials" / trial["id"]) <= 2 for trial in ended)
    assert begun(tmp_path / "sweep" / "trials" / "0000") == 1


@pytest.mark.fault(
    "F12",
    "the disk is full while a result is recorded",
    "SQLite may not take another page of the file",
    "a message says that nothing is lost; the transaction is undone; with room again the same command completes it",
)
def test_a_full_disk(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", done=0)
    plan = plan_of()
    with Store(folder) as store:
        store.sync(plan)
        before = ask(folder, "SELECT * FROM trial")
        store._connection.execute("PRAGMA max_page_count = 1")
        home = finish(folder, plan["trials"][0])
        lines = "".join(f"{step},0,{step},train/loss,{step}.5\n" for step in range(50, 5000))
        (home / "metrics.csv").write_text((home / "metrics.csv").read_text() + lines)
        with pytest.raises(StoreError, match=r"full; nothing is lost.*free some space"):
            store.commit("t0")
        assert ask(folder, "SELECT * FROM trial") == before
        assert ask(folder, "SELECT count(*) FROM metric") == [(0,)]
        store._connection.execute("PRAGMA max_page_count = 1000000")
        store.commit("t0")
    assert coordinate(folder) == (0, "")
    assert_each_trial_once(folder, 8)
    assert ask(folder, "SELECT count(*) FROM metric WHERE trial = 't0'") == [(4954,)]


@pytest.mark.fault(
    "F12",
    "the coordinator may write no more while it records results",
    "a limit of the kernel on the size of files, at several sizes",
    "it ends with a message; the database is sound or made again; without the limit the same command completes it",
)
@pytest.mark.parametrize("kilobytes", [1, 30, 90, 160])
def test_a_limit_on_files(tmp_path: Path, kilobytes: int) -> None:
    folder = write_sweep(tmp_path / "sweep", done=0)
    limit = kilobytes * 1000
    code, error = coordinate(folder, prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert code == 1 and error.startswith("experiments.store.database.") and str(folder / DATABASE) in error
    assert coordinate(folder) == (0, "")
    assert_each_trial_once(folder, 8)


def damaged(folder: Path, how: str) -> None:
    """Break the database of a sweep."""
    path = folder / DATABASE
    content = path.read_bytes()
    match how:
        case "text":
            path.write_text("these are no results\n" * 1000)
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "header":
            path.write_bytes(b"\xff" * 100 + content[100:])
        case "pages":
            pages = [content[at : at + 4096] for at in range(0, len(content), 4096)]
            path.write_bytes(b"".join(page if n == 0 else b"\x99" + page[1:] for n, page in enumerate(pages)))
        case "another":
            path.unlink()
            other = sqlite3.connect(path)
            other.execute("CREATE TABLE results (trial TEXT)")
            other.close()


KINDS = ("text", "truncated", "header", "pages", "another")


@pytest.mark.fault(
    "F17",
    "results.sqlite is no database, is broken, or is that of another program",
    "text in its place; half of it; its header or its pages overwritten; a foreign database",
    "the coordinator keeps it aside, says so and makes a new one; readers read the folders and say how to rebuild",
)
@pytest.mark.parametrize("how", KINDS)
def test_a_damaged_database_is_made_again(tmp_path: Path, how: str) -> None:
    folder = write_sweep(tmp_path / "sweep")
    rebuild(folder)
    before = ask(folder, "SELECT * FROM results")
    damaged(folder, how)
    broken = (folder / DATABASE).read_bytes()

    shown = results(folder, "--format", "csv")
    assert (shown.exit_code, len(shown.stdout.splitlines())) == (0, 9)
    assert (folder / DATABASE).read_bytes() == broken

    notes: list[str] = []
    with Store(folder, notes.append) as store:
        assert store.sync(plan_of()) == 8
    assert len(notes) == 1 and "kept as results.sqlite.damaged-1" in notes[0]
    assert (folder / "results.sqlite.damaged-1").read_bytes() == broken
    assert ask(folder, "SELECT * FROM results") == before
    assert_each_trial_once(folder, 8)


@pytest.mark.parametrize("how", KINDS)
def test_a_damaged_database_is_rebuilt_on_request(tmp_path: Path, how: str) -> None:
    folder = write_sweep(tmp_path / "sweep")
    rebuild(folder)
    for number in (1, 2):
        damaged(folder, how)
        shown = results(folder, "--rebuild")
        assert shown.exit_code == 0
        assert f"kept as results.sqlite.damaged-{number}" in shown.stderr
        assert_each_trial_once(folder, 8)


@pytest.mark.fault(
    "F17",
    "results.sqlite was written by a newer version of the program",
    "its number of the tables is raised",
    "the coordinator refuses it and says how to rebuild; readers read the folders and say so; --rebuild keeps it aside",
)
def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    rebuild(folder)
    connection = sqlite3.connect(folder / DATABASE)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    newer = (folder / DATABASE).read_bytes()
    with pytest.raises(StoreError, match=rf"newer swapformer.*`swapformer results {folder} --rebuild`"):
        Store(folder)
    assert (folder / DATABASE).read_bytes() == newer
    shown = results(folder)
    assert shown.exit_code == 0 and len(shown.stdout.splitlines()) == 9
    assert shown.stderr.count("\n") == 1 and "--rebuild" in shown.stderr
    assert "results.sqlite.damaged-1" in results(folder, "--rebuild").stderr
    assert (folder / "results.sqlite.damaged-1").read_bytes() == newer
    assert_each_trial_once(folder, 8)


def test_the_log_of_a_damaged_database_is_not_taken_for_that_of_the_new_one(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    rebuild(folder)
    # somebody who reads keeps the log from being removed
    reader = sqlite3.connect(folder / DATABASE)
    with Store(folder) as store:
        store.event("in the log alone")
        reader.execute("SELECT * FROM event").fetchall()
    damaged(folder, "pages")
    assert (folder / f"{DATABASE}-wal").exists()
    assert rebuild(folder) == 8
    assert (folder / "results.sqlite.damaged-1-wal").exists()
    reader.close()
    assert_each_trial_once(folder, 8)
    assert ask(folder, "SELECT * FROM event") == []


def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    (folder / DATABASE).mkdir()
    with pytest.raises(StoreError, match="unable to open database file"):
        Store(folder)
    assert results(folder).exit_code == 0
    refused = results(folder, "--rebuild")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)


@pytest.mark.fault(
    "F17",
    "files of trials are torn or broken",
    "state.json, summary.json, metrics.csv and provenance.json cut at many lengths",
    "every cut makes a database, the same that a rebuild makes",
)
def test_torn_files(tmp_path: Path) -> None:
    folder, plan = write_sweep(tmp_path / "sweep", done=1), plan_of()
    rebuild(folder)
    for name in (
        "trials/t0/state.json",
        "trials/t0/summary.json",
        "trials/t0/metrics.csv",
        "trials/t0/provenance.json",
    ):
        whole = (folder / name).read_bytes()
        for length in range(0, len(whole), 23):
            (folder / name).write_bytes(whole[:length])
            with Store(folder) as store:
                assert store.sync(plan) == 1
            found = ask(folder, "SELECT * FROM results")
        rebuild(folder)
        assert ask(folder, "SELECT * FROM results") == found
        (folder / name).write_bytes(whole)
    rebuild(folder)
    assert ask(folder, "SELECT count(*) FROM final") == [(2,)]


@pytest.mark.fault(
    "F24",
    "results that an earlier release has written",
    "a folder of the first release (plan.json of version 1), and a database of the first tables",
    "the folder is read, and a rebuild gives the same rows; the database is read, or brought up to date",
)
def test_results_of_the_first_release(tmp_path: Path) -> None:
    folder = tmp_path / "first-release"
    shutil.copytree(FIXTURES / "plan-1", folder)
    expected = json.loads((FIXTURES / "plan-1.rows.json").read_text())
    assert rebuild(folder) == 6
    for query, rows in expected.items():
        assert [list(row) for row in ask(folder, query)] == rows, query
    shown = results(folder, "--where", "model.position = 'alibi' and status = 'finished'", "--format", "json")
    assert [row["seed"] for row in json.loads(shown.stdout)] == [0, 1]

    # the database of the first tables, from their text
    (folder / DATABASE).unlink()
    connection = sqlite3.connect(folder / DATABASE)
    connection.executescript((FIXTURES / "tables-1.sql").read_text())
    connection.close()
    for query, rows in expected.items():
        assert [list(row) for row in ask(folder, query)] == rows, query
    with Store(folder) as store:
        store.sync(json.loads((folder / "plan.json").read_text()))
    for query, rows in expected.items():
        assert [list(row) for row in ask(folder, query)] == rows, query
    assert ask(folder, "SELECT kind FROM event") == [("sweep started",)]
