"""Dying at a chosen instant, so that tests of faults need no luck."""

from __future__ import annotations

import os
import signal

VARIABLE = "SWAPFORMER_CRASH_AT"
"""`point`, or `point:N` to die when the point is reached for the N-th time in this process (from 1)."""

_reached: dict[str, int] = {}


def crash_point(name: str) -> None:
    """Kill this process (SIGKILL: nothing is cleaned up) if the environment asks for it here; otherwise nothing."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    point, _, number = wanted.partition(":")
    if point != name:
        return
    _reached[name] = _reached.get(name, 0) + 1
    if _reached[name] == int(number or 1):
        os.kill(os.getpid(), signal.SIGKILL)
