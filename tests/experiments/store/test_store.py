"""The database: what it says is what the trial folders say, whatever was in it before."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sweep_folder import LABELS, METRIC, begin, finish, plan_of, value_of, write_json, write_sweep

from experiments.results import ResultsError
from experiments.store import DATABASE, Store, StoreError, rebuild
from experiments.store import database as database_module
from experiments.store.schema import FROM_FOLDERS, VERSION

Rows = dict[str, list[tuple[Any, ...]]]


def everything(folder: Path) -> Rows:
    """All rows of all tables that come from the folders, and of the view."""
    connection = sqlite3.connect(folder / DATABASE)
    try:
        tables = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in (*FROM_FOLDERS, "results")}
    finally:
        connection.close()
    return {name: sorted(rows, key=repr) for name, rows in tables.items()}


def ask(folder: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(folder / DATABASE)
    try:
        rows = connection.execute(query).fetchall()
    finally:
        connection.close()
    return [row[0] if len(row) == 1 else row for row in rows]


def plan_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    return found


def test_trials_that_are_committed_one_by_one_make_the_rows_that_a_rebuild_makes(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", done=0)
    plan = plan_in(folder)
    with Store(folder) as store:
        assert store.sync(plan) == 8
        for trial in plan["trials"]:
            finish(folder, trial)
            store.commit(trial["id"])
    found = everything(folder)
    assert ask(folder, "PRAGMA integrity_check") == ["ok"]
    assert [p.name for p in folder.glob(f"{DATABASE}*")] == [DATABASE]
    assert rebuild(folder) == 8
    assert everything(folder) == found
    assert len(found["trial"]) == 8 and len(found["final"]) == 16 and len(found["metric"]) == 32


def test_the_view_has_a_row_for_each_trial_and_a_column_for_each_axis_and_metric(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", done=5)
    rebuild(folder)
    connection = sqlite3.connect(folder / DATABASE)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute("SELECT * FROM results")]
    connection.close()
    assert [row["trial"] for row in rows] == [f"t{number}" for number in range(8)]
    # axes in the order of the plan; the metric of the ranking before the others
    assert list(rows[0])[:4] == ["trial", "variant", "model.position", "model.attention"]
    assert list(rows[0])[-2:] == [METRIC, "valid/accuracy"]
    first, last = rows[0], rows[-1]
    assert (first["variant"], first["model.attention"], first["seed"]) == ("full / rotary", "full", 0)
    assert (first["status"], first[METRIC], first["parameters"], first["attempts"]) == ("finished", 2.0, 1000, 1)
    assert (first["started"], first["ended"]) == ("2026-11-22T10:00:00+00:00", "2026-11-22T10:01:00+00:00")
    assert (first["train_seconds"], first["wall_seconds"], first["peak_memory_mb"]) == (8.0, 60.0, 300.5)
    assert (last["status"], last[METRIC], last["ended"], last["attempts"]) == ("pending", None, None, None)
    assert dict(ask(folder, "SELECT label, parameters FROM variant")) == {
        label: 1000 if "full" in label else 900 for label in LABELS
    }
    assert ask(folder, "SELECT label FROM variant WHERE baseline") == ["full / rotary"]


def test_only_what_has_changed_is_read_again(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", done=3)
    plan = plan_in(folder)
    with Store(folder) as store:
        assert store.sync(plan) == 8
        assert store.sync(plan) == 0
        finish(folder, plan["trials"][3])
        assert store.sync(plan) == 1
    # nor by another process
    with Store(folder) as store:
        assert store.sync(plan) == 0


def test_a_plan_that_grows_and_one_that_changes(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    with Store(folder) as store:
        store.sync(plan_of((0, 1)))
        assert store.sync(plan_of((0, 1, 2))) == 4
        assert len(store.ended()) == 8
        store.event("kept")
        fewer = plan_of((0, 1))
        fewer["trials"] = fewer["trials"][:2]
        fewer["variants"] = fewer["variants"][:2]
        store.sync(fewer)
    assert ask(folder, "SELECT id FROM trial") == ["t0", "t1"]
    assert ask(folder, "SELECT count(*) FROM metric") == [8]
    assert ask(folder, "SELECT label FROM variant ORDER BY place") == list(LABELS[:2])
    assert ask(folder, "SELECT DISTINCT variant FROM axis ORDER BY variant DESC") == list(LABELS[:2])
    assert ask(folder, "SELECT kind FROM event") == ["kept"]


def test_a_result_whose_folder_is_gone_is_none(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    rebuild(folder)
    shutil.rmtree(folder / "trials" / "t1")
    with Store(folder) as store:
        # until it is synced, it can be told what was there
        assert "t1" in store.ended()
        assert store.sync(plan_in(folder)) == 1
        assert "t1" not in store.ended()
    assert ask(folder, "SELECT status FROM results WHERE trial = 't1'") == ["pending"]
    assert ask(folder, "SELECT count(*) FROM final WHERE trial = 't1'") == [0]


def test_a_trial_that_is_committed_again_is_replaced(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", done=0)
    plan = plan_in(folder)
    trial = plan["trials"][0]
    with Store(folder) as store:
        store.sync(plan)
        begin(folder, trial, status="failed", reason="RuntimeError: broken")
        store.commit("t0")
        assert ask(folder, "SELECT status, reason FROM results LIMIT 1") == [("failed", "RuntimeError: broken")]
        finish(folder, trial)
        store.commit("t0")
        store.commit("t0")
    assert ask(folder, "SELECT status, reason FROM results LIMIT 1") == [("finished", "")]
    assert ask(folder, "SELECT count(*) FROM final WHERE trial = 't0'") == [2]
    with Store(folder) as store, pytest.raises(KeyError):
        store.commit("never planned")


def test_events_keep_their_order(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    with Store(folder) as store:
        for kind in ("b", "a", "c"):
            store.event(kind, "t0", "why")
        store.event("d")
    rebuild(folder)
    assert ask(folder, "SELECT kind FROM event ORDER BY seq") == ["b", "a", "c", "d"]
    assert ask(folder, "SELECT trial, detail FROM event WHERE kind IN ('a', 'd')") == [("t0", "why"), (None, "")]


def test_whatever_a_folder_holds_fits(tmp_path: Path) -> None:
    evil = "'; DROP TABLE trial; --\ud800\0\"`"
    folder = write_sweep(tmp_path / "sweep", done=0)
    plan = plan_in(folder)
    for variant in plan["variants"]:
        variant["values"][evil] = evil
    plan["axes"][evil] = [evil]
    plan["trials"].append({"id": "../outside", "variant": evil, "seed": 10**30, "tuned": {evil: [1]}})
    plan["trials"].append(plan["trials"][0])
    metrics = {evil: 1.5, METRIC: 2.0, "seed": 3.0, "SEED": 4.0, "model.attention": 5.0}
    write_json(folder / "plan.json", plan)
    home = finish(folder, plan["trials"][0], metrics=metrics, parameters=10**40, tokens=2**63)
    with (home / "metrics.csv").open("a") as file:
        file.write(f"{10**30},0,1,train/loss,1\n20,0,1,train/loss,nan\n30,0,inf,{METRIC},inf\n")
    rebuild(folder)
    assert ask(folder, "SELECT count(*) FROM trial") == [9]
    assert ask(folder, "SELECT status FROM trial WHERE id = '../outside'") == ["failed"]
    assert ask(folder, "SELECT parameters, tokens FROM trial WHERE id = 't0'") == [(None, None)]
    wanted = {'"metric seed"': 3.0, '"metric metric seed"': 4.0, '"metric model.attention"': 5.0}
    # SQL does not tell SEED from seed
    assert sorted(ask(folder, f"SELECT {', '.join(wanted)} FROM results WHERE trial = 't0'")[0]) == [3.0, 4.0, 5.0]
    assert ask(folder, "SELECT value FROM metric WHERE trial = 't0' AND step = 20") == [None]
    first = everything(folder)
    rebuild(folder)
    assert everything(folder) == first


def test_a_sweep_without_a_plan_has_a_row_for_each_folder(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    (folder / "plan.json").write_text("{torn")
    assert rebuild(folder) == 8
    assert sorted(ask(folder, f'SELECT "{METRIC}" FROM results')) == sorted(
        value_of(trial) for trial in plan_of()["trials"]
    )


def test_what_is_no_sweep_cannot_be_rebuilt(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ResultsError):
            rebuild(folder)
    assert list(tmp_path.iterdir()) == []


def test_tables_of_an_earlier_version_become_todays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_sweep(tmp_path / "sweep")
    rebuild(folder)
    before = everything(folder)
    with Store(folder) as store:
        store.event("kept")
    step = ("ALTER TABLE trial ADD COLUMN extra TEXT", "UPDATE trial SET reason = 'to be read again'")
    monkeypatch.setattr(database_module, "VERSION", VERSION + 1)
    monkeypatch.setattr(database_module, "MIGRATIONS", {VERSION: step})
    with Store(folder) as store:
        assert store.sync(plan_in(folder)) == 8
    assert ask(folder, "PRAGMA user_version") == [VERSION + 1]
    assert ask(folder, "SELECT DISTINCT extra FROM trial") == [None]
    assert ask(folder, "SELECT kind FROM event") == ["kept"]
    assert everything(folder)["results"] == before["results"]
    monkeypatch.undo()
    with pytest.raises(StoreError, match="newer"):
        Store(folder)


def test_a_migration_that_breaks_off_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_sweep(tmp_path / "sweep")
    rebuild(folder)
    before = everything(folder)
    monkeypatch.setattr(database_module, "VERSION", VERSION + 1)
    monkeypatch.setattr(database_module, "MIGRATIONS", {VERSION: ("DROP TABLE metric", "nonsense")})
    with pytest.raises(StoreError):
        Store(folder)
    assert everything(folder) == before
    assert ask(folder, "PRAGMA user_version") == [VERSION]


def test_every_version_has_a_way_to_the_next() -> None:
    from experiments.store.schema import MIGRATIONS

    assert sorted(MIGRATIONS) == list(range(1, VERSION))


def test_what_is_committed_is_on_the_disk(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    with Store(folder) as store:
        connection = store._connection
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        }
        assert settings == {"journal_mode": "wal", "synchronous": 2}
        assert connection.execute("PRAGMA busy_timeout").fetchone()[0] == 30_000
        tables = connection.execute(
            "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        )
        assert all(strict for name, strict in tables if not name.startswith("sqlite_"))
