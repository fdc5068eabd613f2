"""Which trial is next, and when one that was lost may start again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments.sweep.ledger import Ledger, mark
from experiments.sweep.lineup import Lineup
from experiments.sweep.outcome import Outcome
from experiments.sweep.plan import Variant
from experiments.sweep.trials import Trial


def trial(name: str, until: int | None = None) -> Trial:
    return Trial(name, Variant(name, {}), 0, {}, SimpleNamespace(), until=until)  # type: ignore[arg-type]


class Rounds:
    """Three trials up to step 10; when all have paused there, the first of them goes on to its end."""

    troubles: dict[str, str]

    def __init__(self) -> None:
        self.troubles = {}

    def wanted(self, outcomes: Mapping[str, Outcome]) -> list[Trial]:
        paused = len(outcomes) == 3
        return [trial("a", None if paused else 10), trial("b", 10), trial("c", 10)]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path, Rounds())


def come_to(ledger: Ledger, lineup: Lineup, status: str, step: int = 10) -> str:
    """Start the next trial and let it end so; its id."""
    found = lineup.next()
    assert found is not None
    lineup.start(found)
    home = ledger.home(found.id)
    mark(home, status, "")
    path = home / "state.json"
    path.write_text(path.read_text().replace('"step": 0', f'"step": {step}'))
    lineup.end(found)
    ledger.read(found.id)
    ledger.refresh()
    lineup.renew()
    return found.id


def test_a_pause_is_an_end_until_more_is_wanted(ledger: Ledger) -> None:
    lineup = Lineup(ledger, None)
    assert [come_to(ledger, lineup, "paused") for _ in range(3)] == ["a", "b", "c"]
    assert [found.id for found in ledger.left] == ["a"] and lineup.waiting == 1
    assert come_to(ledger, lineup, "failed") == "a"
    assert ledger.left == [] and lineup.next() is None and ledger.bad == 1


@pytest.mark.parametrize("status", ["interrupted", "running", "paused"])
def test_a_trial_that_stopped_before_its_pause_goes_on(ledger: Ledger, status: str) -> None:
    lineup = Lineup(ledger, None)
    assert come_to(ledger, lineup, status, step=7) == "a"
    assert [found.id for found in ledger.left] == ["a", "b", "c"]


def test_a_limit_counts_those_that_have_begun(ledger: Ledger) -> None:
    lineup = Lineup(ledger, 2)
    assert lineup.total == 2
    assert [come_to(ledger, lineup, "paused") for _ in range(2)] == ["a", "b"]
    assert lineup.next() is None
    assert Lineup(ledger, 2).next() is None
    third = Lineup(ledger, 3).next()
    assert third is not None and third.id == "c"


def test_a_lost_trial_waits_longer_each_time_and_not_for_ever(ledger: Ledger) -> None:
    now = [0.0]
    lineup = Lineup(ledger, 1, lambda: now[0])
    lost = lineup.next()
    assert lost is not None
    for wait in (1.0, 2.0):
        lineup.start(lost)
        lineup.end(lost)
        assert lineup.again(lost, retries=2)
        now[0] += wait - 0.01
        assert lineup.next() is None
        now[0] += 0.02
        assert lineup.next() == lost
    lineup.start(lost)
    lineup.end(lost)
    assert not lineup.again(lost, retries=2) and lineup.next() is None


def test_what_an_end_claims_needs_a_summary(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, Rounds())
    for status, found in (("finished", "interrupted"), ("diverged", "interrupted"), ("failed", "failed")):
        mark(ledger.home("a"), status, "")
        outcome = ledger.read("a")
        assert outcome is not None and outcome.status == found
    (ledger.home("a") / "summary.json").write_text('{"status": "finished", "metrics": {"valid/loss": 1.5}}')
    outcome = ledger.read("a")
    assert outcome is not None and outcome.value("valid/loss") == 1.5


def test_retrying_sets_aside_what_came_to_nothing(tmp_path: Path) -> None:
    for name, status in (("a", "finished"), ("b", "diverged")):
        (tmp_path / "trials" / name).mkdir(parents=True)
        (tmp_path / "trials" / name / "summary.json").write_text(f'{{"status": "{status}"}}')
    mark(tmp_path / "trials" / "c", "failed", "broken")
    ledger = Ledger(tmp_path, Rounds())
    assert ledger.left == [] and ledger.bad == 2
    assert ledger.retry() == 2
    assert [found.id for found in ledger.left] == ["b", "c"]
    assert (tmp_path / "trials/b/summary.1.json").exists() and not (tmp_path / "trials/b/summary.json").exists()
    assert (tmp_path / "trials/a/summary.json").exists()
