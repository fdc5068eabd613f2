"""The first signal saves and stops, the second stops at once; each ends with its own exit code."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from toy import run_and_exit, toy_parts

from experiments.training.checkpoint_io import LAST, read_checkpoint
from experiments.training.interrupts import Interrupts
from experiments.training.trial import run_trial

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("signum", CODES)
@pytest.mark.parametrize("call", [6, 8])
def test_first_signal(signum: int, call: int, tmp_path: Path, toy_spec: Any, read_curve: Any, children: Any) -> None:
    """In the middle of step 6, and of step 8, after which a validation is due and is still done."""
    folder = tmp_path / "stopped"
    child = children.Process(target=run_and_exit, args=(toy_spec(), folder, [(call, signum)]))
    child.start()
    child.join()
    assert child.exitcode == CODES[signum]
    state = json.loads((folder / "state.json").read_text())
    assert state["status"] == "interrupted"
    assert signal.Signals(signum).name in state["reason"]
    assert state["step"] == call == read_checkpoint(folder / "checkpoints" / LAST)["global_step"]
    assert not (folder / "summary.json").exists()
    assert (str(call), "valid/loss") in [(r[0], r[2]) for r in read_curve(folder)] or call == 6
    run_trial(toy_spec(), tmp_path / "whole", build_parts=toy_parts)
    assert run_trial(toy_spec(), folder, build_parts=toy_parts)["status"] == "finished"
    assert read_curve(folder) == read_curve(tmp_path / "whole")


def test_second_signal(tmp_path: Path, toy_spec: Any, children: Any) -> None:
    child = children.Process(target=run_and_exit, args=(toy_spec(), tmp_path / "run", [(6, 2), (6, 2)]))
    child.start()
    child.join()
    assert child.exitcode == 130
    state = json.loads((tmp_path / "run/state.json").read_text())
    assert state["status"] == "interrupted"
    assert "second SIGINT" in state["reason"]
    # step 6 was not finished, the validation after step 4 was the last save
    assert read_checkpoint(tmp_path / "run/checkpoints" / LAST)["global_step"] == 4


def test_handlers_are_put_back(tmp_path: Path, toy_spec: Any) -> None:
    before = [signal.getsignal(s) for s in CODES]
    run_trial(toy_spec(), tmp_path / "run", build_parts=toy_parts)
    assert [signal.getsignal(s) for s in CODES] == before


def test_handler_only_notes() -> None:
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGTERM)
        assert interrupts.asked == signal.SIGTERM
