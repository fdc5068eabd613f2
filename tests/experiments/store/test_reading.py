"""Reading results as a database: up to date, whatever results.sqlite says, and without a trace in the folder."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from sweep_folder import METRIC, finish, plan_of, write_json, write_sweep

from experiments.results import ResultsError
from experiments.results.table import Table
from experiments.store import DATABASE, Store, rebuild
from experiments.store.reading import curves_table, opened, trials_table


def read(folder: Path, where: str | None = None) -> Table:
    problems: list[str] = []
    with opened(folder, problems) as connection:
        found = trials_table(connection, where)
    assert problems == []
    return found


def finished(folder: Path) -> int:
    found = read(folder)
    return [row[found.place("status")] for row in found.rows].count("finished")


def traces(folder: Path) -> dict[str, tuple[int, int]]:
    found = [*folder.rglob("*"), folder]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in found}


@pytest.mark.parametrize("state", ["none", "closed", "open", "killed", "copied"])
def test_reading_leaves_no_trace(tmp_path: Path, state: str) -> None:
    folder = write_sweep(tmp_path / "sweep", done=7)
    store = None
    if state != "none":
        store = Store(folder)
        store.sync(plan_of())
    if store is not None and state == "closed":
        store.close()
    if state in ("killed", "copied"):
        # as a kill leaves it, with a log that nobody has closed
        shutil.copytree(folder, tmp_path / "copy")
        folder = tmp_path / "copy"
    if state == "copied":
        (folder / f"{DATABASE}-shm").unlink()
    before = traces(folder)
    assert finished(folder) == 7
    assert traces(folder) == before
    if store is not None:
        store.close()


def test_results_are_never_those_of_yesterday(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", done=2)
    rebuild(folder)
    assert finished(folder) == 2
    finish(folder, plan_of()["trials"][2])
    assert finished(folder) == 3
    write_json(folder / "plan.json", plan_of((0, 1, 2)))
    assert len(read(folder).rows) == 12
    shutil.rmtree(folder / "trials" / "t0")
    assert finished(folder) == 2


def test_a_database_that_is_up_to_date_is_what_is_read(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    rebuild(folder)
    connection = sqlite3.connect(folder / DATABASE)
    connection.execute("UPDATE trial SET reason = 'as the database has it'")
    connection.commit()
    connection.close()
    found = read(folder)
    assert {row[found.place("reason")] for row in found.rows} == {"as the database has it"}


def test_both_ways_say_the_same(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", done=5)
    with opened(folder, [], curves=True) as connection:
        before = trials_table(connection), curves_table(connection, "seed = 0")
    rebuild(folder)
    with opened(folder, []) as connection:
        assert (trials_table(connection), curves_table(connection, "seed = 0")) == before
    assert len(before[1].rows) == 4 * 4
    assert before[1].rows[0] == ("t0", "full / rotary", 0, "compare", "train/loss", 10, 1.0, 3.5)


def test_the_folder_of_a_run(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "sweep")
    shutil.copytree(sweep / "trials" / "t3", tmp_path / "run")
    found = read(tmp_path / "run")
    assert (found.rows[0][0], found.rows[0][found.place(METRIC)]) == ("run", 2.6)
    with pytest.raises(ResultsError, match="holds no results"), opened(tmp_path, []):
        pass


def test_two_lines_of_pandas(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", done=7)
    rebuild(folder)
    pandas = pytest.importorskip("pandas")
    connection = sqlite3.connect(folder / DATABASE)

    frame = pandas.read_sql("SELECT * FROM results", connection)
    means = frame.groupby("model.attention")[METRIC].mean()

    connection.close()
    assert means.round(4).to_dict() == {"full": 2.055, "local": round((2.5 + 2.6 + 2.51) / 3, 4)}


def test_two_lines_of_duckdb(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep", done=7)
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    from experiments.results.formats import write_parquet

    # swapformer results FOLDER -o results.parquet
    write_parquet(read(folder), tmp_path / "results.parquet")
    found = duckdb.sql(
        f"""SELECT seed, avg("{METRIC}") FROM '{tmp_path}/results.parquet' GROUP BY seed ORDER BY seed"""
    )

    assert found.fetchall() == [(0, pytest.approx(2.3)), (1, pytest.approx((2.01 + 2.11 + 2.51) / 3))]


WHERE = {
    "valid/loss < 2.5 and model.position = 'alibi'": ["t1", "t5"],
    '"valid/loss" < 2.5 AND "model.position" = \'alibi\'': ["t1", "t5"],
    "VALID/LOSS<2.05": ["t0", "t4"],
    "status = 'finished' -- and so on": [f"t{n}" for n in range(7)],
    "valid/loss is null": ["t7"],
    "variant like 'local%' and seed in (0)": ["t2", "t3"],
    "reason = 'valid/loss'": [],
    "round(valid/loss - valid/accuracy, 2) = 1.6": ["t1"],
    "trial = (select trial from final order by value desc limit 1)": ["t3"],
    "seed = 1) or (seed = 0": [f"t{n}" for n in range(8)],
}


@pytest.mark.parametrize("condition", WHERE)
def test_conditions(tmp_path: Path, condition: str) -> None:
    folder = write_sweep(tmp_path / "sweep", done=7)
    assert [row[0] for row in read(folder, condition).rows] == WHERE[condition]
    rebuild(folder)
    assert [row[0] for row in read(folder, condition).rows] == WHERE[condition]


REFUSED = {
    "valid/los < 2": "there is no column 'valid/los'. Did you mean 'valid/loss'?",
    "model.positon = 'alibi'": "there is no column 'model.positon'. Did you mean 'model.position'?",
    "statis = 'finished'": "there is no column 'statis'. Did you mean 'status'?",
    'status = "finished"': "Text is written in single quotes: 'finished'",
    "seed =": "syntax error",
    "seed = 0; DROP TABLE trial": "syntax error",
    "seed = 0); DELETE FROM trial; --": "one statement",
    "seed = ?": "bindings",
    "load_extension('x')": "may only read",
    "randomblob(1000000000) is null": "may only read",
    "exists (select 1 from pragma_table_info('trial'))": "may only read",
    "1 in (with recursive a(x) as (select 1 union all select x + 1 from a) select x from a)": "may only read",
    "readfile('/etc/passwd') is null": "no such function",
    "nosuch.seed = 1": "there is no column 'nosuch.seed'",
}


@pytest.mark.parametrize("condition", REFUSED)
def test_what_a_condition_may_not(tmp_path: Path, condition: str) -> None:
    folder = write_sweep(tmp_path / "sweep", done=1)
    rebuild(folder)
    before = traces(folder)
    with pytest.raises(ResultsError) as refused:
        read(folder, condition)
    assert REFUSED[condition] in str(refused.value)
    assert "\n" not in str(refused.value)
    assert traces(folder) == before


def test_a_condition_cannot_attach_a_file(tmp_path: Path) -> None:
    from experiments.store.condition import only_reading

    folder = write_sweep(tmp_path / "sweep", done=1)
    with opened(folder, []) as connection:
        for statement in (
            f"ATTACH '{tmp_path}/other.sqlite' AS other",
            "PRAGMA journal_mode = DELETE",
            "CREATE TEMP TABLE t (x)",
            "DELETE FROM trial",
            "VACUUM INTO 'copy.sqlite'",
        ):
            with only_reading(connection), pytest.raises(sqlite3.DatabaseError):
                connection.execute(statement)
    assert not (tmp_path / "other.sqlite").exists()


def test_a_broken_plan_is_told_and_read_around(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    (folder / "plan.json").write_text("{")
    problems: list[str] = []
    with opened(folder, problems) as connection:
        assert len(trials_table(connection).rows) == 8
    assert len(problems) == 1 and "plan.json cannot be read" in problems[0]
    (folder / "plan.json").write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(ResultsError, match="schema version 99"), opened(folder, []):
        pass
