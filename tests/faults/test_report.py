"""Reports of sweeps that are not well: partly trained, failed, empty, damaged, or with names that attack."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chromium import chromium, opened
from playwright.sync_api import Browser
from written_sweep import HOSTILE, write_sweep

from experiments.report import build_report
from experiments.results import read_results

METRIC = "valid/bits_per_byte"


def healthy(folder: Path) -> None:
    """Nothing is done to it."""


def half_trained(folder: Path) -> None:
    """Every second trial has only begun, and one of them has a torn last line."""
    trials = sorted((folder / "trials").iterdir())
    for trial in trials[::2]:
        (trial / "summary.json").unlink(missing_ok=True)
        (trial / "state.json").write_text(json.dumps({"status": "running", "step": 130, "max_steps": 400}))
        text = (trial / "metrics.csv").read_text()
        (trial / "metrics.csv").write_text(text[: len(text) // 3])
    for trial in trials[1::4]:
        shutil.rmtree(trial)


def all_failed(folder: Path) -> None:
    """Not one trial came to its end."""
    for trial in (folder / "trials").iterdir():
        (trial / "summary.json").unlink(missing_ok=True)
        reason = f"RuntimeError: {HOSTILE[1]}"
        (trial / "state.json").write_text(json.dumps({"status": "failed", "reason": reason, "step": 3}))
        (trial / "log.txt").write_bytes(b"\xff\xfe\x1b[31m</pre><script>alert(3)</script>\n" * 5000)


def without_plan(folder: Path) -> None:
    """The plan is lost, the trials are there."""
    (folder / "plan.json").unlink()


def damaged(folder: Path) -> None:
    """Files of every kind are torn, of the wrong type, or hold numbers that are none."""
    trials = sorted((folder / "trials").iterdir())
    (trials[0] / "summary.json").write_text('{"status": "finished", "metrics": {"valid/bits_per_byte": 1e999}}')
    (trials[1] / "summary.json").write_text('{"status": "finis')
    (trials[2] / "summary.json").write_text("[1, 2]")
    (trials[3] / "state.json").write_bytes(b"\x00\xff")
    (trials[4] / "metrics.csv").write_bytes(
        b"step,epoch,seconds,name,value\nNaN,x,,\xff,inf\n10,0,nan,valid/bits_per_byte,nan\n"
    )
    (trials[5] / "spec.yaml").write_text("model: [unclosed\n")
    (trials[6] / "log.txt").mkdir(exist_ok=True)
    (trials[7] / "spec.yaml").write_text("&a [*a, *a]")
    plan = json.loads((folder / "plan.json").read_text())
    plan["variants"][0]["held"] = {"setting": 3, "value": "x", "amount": None, "target": 0}
    plan["trials"][0]["tuned"] = {"a": [{"b": float("nan")}]}
    plan["references"].append({"label": None, "value": "x"})
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "profile.json").write_text(
        '{"rows": [{"label": "<b>", "length": 8, "forward_ms": -1}, 3, null], "batch": "x"}'
    )


STATES: dict[str, Callable[[Path], None]] = {
    "healthy": healthy,
    "half trained": half_trained,
    "all failed": all_failed,
    "without a plan": without_plan,
    "damaged": damaged,
}


def write(folder: Path, state: str, **options: bool) -> Path:
    write_sweep(folder, **options)
    STATES[state](folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.mark.fault(
    "F23",
    "a report of a sweep that is partly trained, failed, empty or damaged, with names that attack",
    "folders with torn, missing and wrong files; names with markup, quotes, emoji, 200 letters, right-to-left marks",
    "the page and its copies are written; every trial is in it; names stay text",
)
@pytest.mark.parametrize("hostile", [False, True], ids=["plain names", "hostile names"])
@pytest.mark.parametrize("state", STATES)
def test_a_report_of_any_sweep(tmp_path: Path, state: str, hostile: bool) -> None:
    folder = write(tmp_path / "sweep", state, hostile=hostile, rich=state == "damaged")
    page = build_report(folder).read_text("utf-8")
    for trial in read_results(folder).trials:
        assert f"trials/{trial.id}" in page
    assert "\u202e" not in page and "\x1b" not in page
    for attack in ("<script>alert", "<img src", "</pre><script"):
        assert attack not in page
    for name in ("results.csv", "results.md", "results.tex"):
        text = (folder / name).read_text("utf-8")
        assert text
        assert "\u202e" not in text and "\x1b" not in text
        assert name == "results.csv" or "<script" not in text


@pytest.mark.fault(
    "F23",
    "a report of a sweep that has not begun",
    "a plan without trials; a plan whose trials have no folder",
    "the page says that nothing has finished, and needs no scripts for charts",
)
@pytest.mark.parametrize("trials", [False, True])
def test_a_report_of_nothing(tmp_path: Path, trials: bool) -> None:
    folder = write_sweep(tmp_path / "sweep", train=False)
    if not trials:
        plan = json.loads((folder / "plan.json").read_text())
        (folder / "plan.json").write_text(json.dumps({**plan, "trials": [], "variants": []}))
    page = build_report(folder)
    assert "No trial has finished yet" in page.read_text("utf-8")
    assert page.stat().st_size < 200_000


@pytest.mark.browser
@pytest.mark.fault(
    "F23",
    "a report with names that attack, opened in a browser",
    "Chromium, from the disk, without a network, with and without results",
    "it opens; nothing runs, nothing is asked for, nothing is complained about",
)
@pytest.mark.parametrize("state", ["healthy", "half trained", "all failed", "damaged"])
def test_a_browser_opens_it(tmp_path: Path, browser: Browser, state: str) -> None:
    page = build_report(write(tmp_path / "sweep", state, hostile=True))
    with opened(browser, page) as found:
        assert found.complaints == []
        assert found.asked == [page.resolve().as_uri()]
        assert found.run("() => document.images.length + document.querySelectorAll('iframe, object, base').length") == 0
        assert found.run("() => document.querySelectorAll('#variants > details').length") == 16
        found.page.locator("#variants > details summary").first.click()
        assert found.complaints == []


@pytest.mark.fault(
    "F12",
    "the disk is full while the report is written",
    "the largest file that the process may write is smaller than the page (RLIMIT_FSIZE)",
    "the command fails with the reason; the page of before is whole, and no temporary file stays",
)
def test_a_full_disk_leaves_the_old_page(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path / "sweep")
    before = build_report(folder).read_bytes()

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    command = [sys.executable, "-m", "experiments.cli.main", "report", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_files, timeout=120)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr and "too large" in done.stderr
    assert (folder / "report.html").read_bytes() == before
    assert not list(folder.glob(".*.tmp"))
