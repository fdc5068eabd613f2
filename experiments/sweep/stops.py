"""Being asked to stop: the first time every trial saves and stops, the second time it stops at once."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stops:
    """Takes over the signals while it is entered, and only notes them; those that are ignored stay so, as under nohup.

    asked: what the trials are to be sent, in order. received: those that came from outside.
    """

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.received: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stops:
        known = {number: signal.getsignal(number) for number in SIGNALS}
        self._before = {number: handler for number, handler in known.items() if handler != signal.SIG_IGN}
        for number in self._before:
            signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def ask(self) -> None:
        """Let every trial save and stop, unless it has been asked already."""
        if not self.asked:
            self.asked.append(signal.SIGTERM)

    @property
    def exit_code(self) -> int | None:
        """128 + the first signal; None without one."""
        return 128 + self.received[0] if self.received else None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _leave_terminal()
        self.received.append(number)
        self.asked.append(number)


def _leave_terminal() -> None:
    """Write to nowhere what was for a terminal that is gone: writing to it would fail."""
    for handle in (1, 2):
        with contextlib.suppress(OSError):
            if os.isatty(handle) or _is_gone(handle):
                os.dup2(os.open(os.devnull, os.O_WRONLY), handle)


def _is_gone(handle: int) -> bool:
    # a hung-up terminal no longer says that it is one
    try:
        os.write(handle, b"")
    except OSError:
        return True
    return False
