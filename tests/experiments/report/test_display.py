"""The terminal: the plan, the live display and the ranking, at 80 columns and away from a terminal."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from experiments.display import (
    LiveSweep,
    TrialFailed,
    TrialFinished,
    TrialProgress,
    TrialStarted,
    ranked_table,
    show_plan,
)
from experiments.results import Metric, read_results

METRIC = Metric("valid/bits_per_byte")


class Clock:
    """A clock that a test winds by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def console(terminal: bool = False, **options: object) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=80, force_terminal=terminal, **options), out  # type: ignore[arg-type]


def run_sweep(live: LiveSweep, clock: Clock) -> None:
    """Four trials, two at a time: one fails, the last two are at work when the caller looks."""
    with live:
        live.handle(TrialStarted("aa", "full / rotary", 0))
        live.handle(TrialStarted("bb", "longformer / sinusoidal / " + "x" * 200, 1))
        for second in range(1, 41):
            clock.now = float(second)
            live.handle(TrialProgress("aa", 10 * second, 400, 2.5, 10.0))
            live.handle(TrialProgress("bb", 5 * second, 400))
        live.handle(TrialFinished("aa", 2.31))
        live.handle(TrialFailed("bb", "the loss was not finite", "diverged", "trials/bb/log.txt"))
        live.handle(TrialStarted("cc", "full / alibi / " + "y" * 200, 0))
        live.handle(TrialProgress("cc", 100, 400, 3.0, 9.5))


def test_plain_lines_away_from_a_terminal() -> None:
    clock, (target, out) = Clock(), console()
    run_sweep(LiveSweep(4, METRIC, console=target, clock=clock, plain_every=10.0), clock)
    text = out.getvalue()
    assert "\x1b" not in text
    assert "\r" not in text
    lines = text.splitlines()
    assert lines[0] == "trial 1 of 4 [full / rotary, seed 0] started"
    # One line per event, however long, and progress at most every ten seconds.
    assert sum("[full / rotary, seed 0] step" in line for line in lines) == 4
    assert lines[2].startswith("trial 1 of 4 [full / rotary, seed 0] step 100 of 400, loss 2.500, 10.0 steps/s, ")
    # One and a half trials in 40 s, two and a half to go: 40 * 2.5 / 1.5 s.
    assert any(line.endswith("finished in 40 s, valid/bits_per_byte 2.3100, 1 min 07 s left") for line in lines)
    assert any("seed 1] diverged: the loss was not finite, log: trials/bb/log.txt" in line for line in lines)
    assert lines[-1].startswith(
        "2 of 4 trials done, 1 of them without a result, 40 s, best: valid/bits_per_byte 2.3100"
    )


def test_time_left_counts_the_share_of_running_trials() -> None:
    clock, (target, _) = Clock(), console()
    live = LiveSweep(5, METRIC, console=target, clock=clock, already_done=1)
    assert live.tally.time_left() is None
    live.handle(TrialStarted("aa", "full", 0))
    clock.now = 30.0
    live.handle(TrialProgress("aa", 50, 100))
    # Half a trial in 30 s; three and a half of the four remain.
    assert live.tally.time_left() == pytest.approx(210.0)


def test_best_follows_the_goal_and_ignores_nan() -> None:
    for goal, expected in (("minimize", 1.0), ("maximize", 3.0)):
        target, _ = console()
        live = LiveSweep(4, Metric("m", goal), console=target)  # type: ignore[arg-type]
        for trial, value in (("a", float("nan")), ("b", 3.0), ("c", 1.0), ("d", None)):
            live.handle(TrialStarted(trial, trial, 0))
            live.handle(TrialFinished(trial, value))
        assert live.tally.best is not None
        assert live.tally.best[0] == expected


def test_live_table_fits_80_columns() -> None:
    clock, (target, _) = Clock(), console(terminal=True)
    live = LiveSweep(4, METRIC, console=target, clock=clock)
    run_sweep(live, clock)
    drawn, out = console()
    drawn.print(live.render())
    lines = out.getvalue().splitlines()
    assert all(cell_len(line) <= 80 for line in lines)
    text = "\n".join(lines)
    assert "full / alibi" in text
    assert "100/400" in text
    assert "3.000" in text
    assert "9.5" in text
    assert "2 of 4 done, 1 failed" in text
    assert "left" in text
    assert "best so far: valid/bits_per_byte 2.3100" in text


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    target, out = console(terminal=True, color_system="truecolor")
    live = LiveSweep(1, METRIC, console=target)
    with live:
        live.handle(TrialStarted("aa", "full", 0))
        live.handle(TrialFailed("aa", "no memory"))
    assert "no memory" in out.getvalue()
    assert "\x1b[31m" not in out.getvalue()


def test_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    target, out = console(terminal=True)
    with LiveSweep(1, METRIC, console=target) as live:
        live.handle(TrialStarted("aa", "full", 0))
    assert live.plain
    assert "\x1b[?25l" not in out.getvalue()


def test_control_characters_never_reach_the_terminal() -> None:
    target, out = console()
    with LiveSweep(1, METRIC, console=target) as live:
        live.handle(TrialStarted("aa", "\x1b]0;owned\x07\u202eevil [bold]x[/bold]\r\n", 0))
        live.handle(TrialFailed("aa", "\x1b[2Jgone"))
    text = out.getvalue()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x07" not in text
    assert "\r" not in text
    assert "[bold]x[/bold]" in text


@pytest.mark.parametrize("hostile", [False, True])
def test_plan_and_ranking_fit_80_columns(make_sweep: Callable[..., Path], hostile: bool) -> None:
    results = read_results(make_sweep(hostile=hostile))
    target, out = console()
    show_plan(results.plan, target)
    ranked_table(results, target)
    text = out.getvalue()
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert "32 trials: 16 variants x 2 seeds" in text.replace("\n", "")
    assert "8 combinations left out" in text
    # with the plan and with the ranking
    assert " ".join(text.split()).count("positions are told twice") == 2
    assert "bigram model" in text
    assert "2.741" in text
    assert "diverged" in text
    for row in results.ranked:
        assert row.estimate is not None
        assert f"{row.estimate.mean:.3f}" in text


def test_ranking_of_nothing(make_sweep: Callable[..., Path]) -> None:
    target, out = console()
    ranked_table(read_results(make_sweep(train=False)), target)
    assert "No trial has finished yet" in out.getvalue()
    assert "pending" in out.getvalue()


def test_interrupted_trials_are_not_done() -> None:
    clock, (target, out) = Clock(), console()
    with LiveSweep(2, METRIC, console=target, clock=clock) as live:
        live.handle(TrialStarted("aa", "full", 0))
        live.handle(TrialProgress("aa", 30, 400))
        live.handle(TrialStarted("bb", "full", 1))
        for trial in ("aa", "bb"):
            live.handle(TrialFailed(trial, "interrupted", "interrupted", "log.txt"))
    *_, first, second, last = out.getvalue().splitlines()
    assert first == "trial 1 of 2 [full, seed 0] interrupted at step 30 of 400"
    assert second == "trial 2 of 2 [full, seed 1] interrupted before its first step"
    assert last.startswith("0 of 2 trials done, ")
