"""The most memory that this process has held, as the operating system counts it, in MB."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from pathlib import Path


def most_resident() -> float:
    """Since the process began; one that was started by another program may begin with what that held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # bytes on macOS, kilobytes elsewhere
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def resident_peak() -> float:
    """Since `reset_peak`; elsewhere than on Linux since the process began."""
    if sys.platform != "linux":
        return most_resident()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def reset_peak() -> float:
    """Resident memory now, from which on the peak counts; elsewhere than on Linux the peak so far."""
    if sys.platform != "linux":
        return most_resident()
    gc.collect()
    # give back what was freed before, or the peak would hide in it
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return resident_peak()
