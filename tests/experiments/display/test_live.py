"""The live display: trials that pause, are lost, are tuned; totals that grow; terminals of every kind."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from experiments.display import (
    LiveSweep,
    TrialFinished,
    TrialPaused,
    TrialProgress,
    TrialRetried,
    TrialStarted,
)
from experiments.display.running_table import clock
from experiments.results import Metric

METRIC = Metric("valid/loss")


def live_sweep(total: int, **options: object) -> tuple[LiveSweep, io.StringIO, list[float]]:
    """Away from a terminal; the last is the clock."""
    out, now = io.StringIO(), [0.0]
    console = Console(file=out, width=80, **options)  # type: ignore[arg-type]
    return LiveSweep(total, METRIC, console=console, clock=lambda: now[0], plain_every=0.0), out, now


def drawn(live: LiveSweep, width: int = 80, encoding: str = "utf-8") -> str:
    """The table as a terminal of that width and encoding gets it."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    ours = live.console
    live.console = Console(file=out, width=width, force_terminal=True, color_system=None)
    live.console.print(live.render())
    live.console = ours
    out.flush()
    return out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


def test_a_trial_that_pauses_and_goes_on_keeps_its_number() -> None:
    live, out, now = live_sweep(3)
    live.handle(TrialStarted("a", "full", 0, "tune"))
    now[0] = 30.0
    live.handle(TrialProgress("a", 50, 100, 2.0, 5.0))
    live.handle(TrialPaused("a"))
    assert "1 paused" in drawn(live)
    live.handle(TrialStarted("b", "local", 0))
    live.handle(TrialFinished("b", 2.5))
    # one and a half of three in 30 s
    assert live.tally.time_left() == pytest.approx(30.0)
    live.handle(TrialStarted("a", "full", 0, "tune"))
    assert live.tally.running["a"].rate is None
    live.handle(TrialFinished("a", 1.0))
    lines = out.getvalue().splitlines()
    assert lines[0] == "trial 1 of 3 [full, seed 0, tuning] started"
    assert lines[2].startswith("trial 1 of 3 [full, seed 0, tuning] paused at step 50 of 100")
    assert lines[5].startswith("trial 1 of 3 [full, seed 0, tuning] goes on after step 50")
    assert lines[3].startswith("trial 2 of 3 [local, seed 0] started")
    # a try of tuning is never the best, however good
    assert live.tally.best == (2.5, "local, seed 0")
    assert live.tally.done == 2 and not live.tally.stopped


def test_a_trial_that_is_lost_is_tried_again() -> None:
    live, out, _ = live_sweep(1)
    live.handle(TrialStarted("a", "full", 0))
    live.handle(TrialProgress("a", 20, 100, 2.0))
    live.handle(TrialRetried("a", "killed by SIGKILL"))
    live.handle(TrialStarted("a", "full", 0))
    live.handle(TrialFinished("a", 1.0))
    lines = out.getvalue().splitlines()
    assert lines[2] == "trial 1 of 1 [full, seed 0] killed by SIGKILL; it goes on from its last checkpoint"
    assert lines[3] == "trial 1 of 1 [full, seed 0] goes on after step 20"
    assert (live.tally.done, live.tally.failed) == (1, 0)


def test_a_trial_that_starts_again_without_a_word_counts_once() -> None:
    live, _, _ = live_sweep(2)
    for _ in range(2):
        live.handle(TrialStarted("a", "full", 0))
    live.handle(TrialFinished("a"))
    live.handle(TrialStarted("b", "full", 1))
    assert live.tally.running["b"].number == 2 and live.tally.done == 1


def test_a_total_that_grows_is_told() -> None:
    live, out, now = live_sweep(2)
    live.handle(TrialStarted("a", "full", 0))
    now[0] = 10.0
    live.handle(TrialFinished("a"))
    live.expect(2)
    live.expect(5)
    assert out.getvalue().splitlines()[-1] == "3 more trials: 5 in all"
    assert live.tally.time_left() == pytest.approx(40.0)
    assert "1 of 5 done" in drawn(live)


def test_what_is_said_cannot_rewrite_the_screen() -> None:
    live, out, _ = live_sweep(1)
    live.say("a\x1b[2Jb\rc")
    assert out.getvalue() == "a [2Jb c\n"


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_fits(width: int) -> None:
    live, _, _ = live_sweep(100_000)
    for number in range(3):
        live.handle(TrialStarted(str(number), "x" * 200, 1234, "tune"))
        for step in range(1, 200):
            live.handle(TrialProgress(str(number), step * 1000, 1_000_000, 1000 / step, 123.4))
    text = drawn(live, width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "199000/1000000" in text and "1:48:11" in text and "123.4" in text and "5.025" in text
    assert "█" in text and "▁▁" in text


def test_without_unicode() -> None:
    live, _, _ = live_sweep(1)
    live.handle(TrialStarted("a", "full", 0))
    for step in (10, 20, 30):
        live.handle(TrialProgress("a", step, 40, 50.0 - step, 2.0))
    assert "#=_" in drawn(live, encoding="ascii") and "?" not in drawn(live, encoding="ascii")
    assert "█▅▁" in drawn(live)


def test_time_in_few_characters() -> None:
    assert [clock(seconds) for seconds in (0.2, 42, 725, 7800)] == ["0:00", "0:42", "12:05", "2:10:00"]
