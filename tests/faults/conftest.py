"""Faults and what must hold in spite of them: each test says which, for the table that docs/faults.py writes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# what these tests share, and what the processes that they start import
sys.path[:0] = [str(HERE), str(HERE.parent / "experiments")]

from toy_trials import children, read_curve, together, toy_spec  # noqa: E402, F401 (fixtures)
from watching import below  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    # what starts the tests may ignore them, as nohup and background jobs do, and so would every process of the tests
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers",
        "fault(id, what, how, holds): what goes wrong, how the test makes it so, what must hold; see docs/faults.md",
    )


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One for all of these tests: making the index of parts takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    """A test that fails must not leave a sweep behind that trains for hours."""
    yield
    for pid in below(os.getpid()):
        with suppress(OSError):
            if any(word in Path(f"/proc/{pid}/cmdline").read_bytes() for word in (b"experiments.cli", b"sham_program")):
                os.kill(pid, signal.SIGKILL)
