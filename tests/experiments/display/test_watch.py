"""Following a sweep from outside, on a terminal and away from one."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from sweep_folder import begin, finish, plan_of, write_sweep

from experiments.display.status import show_runs, show_status
from experiments.display.watch import watch
from experiments.results import ResultsError
from experiments.results import progress as progress_module
from experiments.results.holder import Holder
from experiments.results.progress import read_progress


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    folder = write_sweep(tmp_path / "sweep", done=2)
    begin(folder, plan_of()["trials"][2], step=30)
    return folder


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the folders that are worked on."""
    names: list[str] = ["sweep", "t2"]
    monkeypatch.setattr(progress_module, "holder", lambda folder: Holder(7) if folder.name in names else None)
    return names


def on(terminal: bool, width: int = 80) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None, legacy_windows=False)
    return console, out


@pytest.mark.parametrize("terminal", [False, True])
def test_it_ends_when_nobody_works_any_more(sweep: Path, at_work: list[str], terminal: bool) -> None:
    console, out = on(terminal)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            finish(sweep, plan_of()["trials"][2])
        if len(slept) == 5:
            at_work.clear()

    progress = watch(sweep, console, every=20.0, plain_every=30.0, sleep=sleep)
    assert slept == [20.0] * 5
    assert progress.done == 3 and progress.over
    if not terminal:
        lines = out.getvalue().splitlines()
        # at once, after 40 s of silence, when a trial ended, and how it ended
        assert [line.split(" trials")[0] for line in lines[:3]] == ["2 of 8", "2 of 8", "3 of 8"]
        assert lines[3] == "attention: stopped"
        assert "\x1b" not in out.getvalue()


def test_a_sweep_that_still_plans_is_waited_for(
    tmp_path: Path, at_work: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sweep"
    folder.mkdir()
    monkeypatch.setattr("experiments.display.watch.holder", lambda folder: Holder(7) if at_work else None)

    def sleep(seconds: float) -> None:
        folder.rmdir()
        write_sweep(folder, done=1)
        at_work.clear()

    console, _ = on(False)
    assert watch(folder, console, sleep=sleep).done == 1
    (tmp_path / "other").mkdir()
    with pytest.raises(ResultsError):
        watch(tmp_path / "other", console)


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_fits(tmp_path: Path, at_work: list[str], width: int) -> None:
    plan = plan_of()
    for entry in (*plan["variants"], *plan["trials"]):
        for key in ("label", "variant"):
            if key in entry:
                entry[key] = entry[key] + "x" * 200
    folder = write_sweep(tmp_path / "sweep", done=0, variants=plan["variants"], trials=plan["trials"])
    for trial in plan_of()["trials"][2:5]:
        begin(folder, trial, step=30)
    console, out = on(True, width)
    show_status(read_progress(folder), console)
    show_runs([read_progress(folder)], console)
    text = out.getvalue()
    assert max(map(cell_len, text.splitlines())) <= width
    assert "30/40" in text and "▁" in text and "ago" in text and "stopped" in text
    assert "running (process 7)" in text


def test_the_time_left_is_that_of_what_waits_too(sweep: Path, at_work: list[str]) -> None:
    progress = read_progress(sweep)
    (running,) = progress.running
    # ten steps left at ten a second; five trials of a minute wait for the only place
    assert running.seconds_left == pytest.approx(1.0)
    assert progress.seconds_left == pytest.approx(1.0 + 5 * 60.0)
    at_work.clear()
    assert read_progress(sweep).seconds_left is None
