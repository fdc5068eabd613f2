"""What a process ran out of is recognised, and told in one line."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from experiments.training.errors import (
    RankFailed,
    RankLost,
    full_disk_named,
    is_out_of_memory,
    is_rank_lost,
    reason_of,
    shortage,
)


def too_much() -> Exception:
    with pytest.raises(RuntimeError) as found:
        torch.empty(2**60)
    return found.value


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("error", "missing", "reason"),
    [
        (MemoryError(), "memory", "out of memory: "),
        pytest.param(too_much, "memory", "out of memory: ", id="too much"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried"), "memory", "out of memory: CUDA out of memory."),
        (FULL, "disk", "disk full: [Errno 28] No space left on device"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "a/b"), "disk", "disk full: [Errno"),
        (RankFailed(1, "out of memory: x", "memory"), "memory", "rank 1: out of memory: x"),
        (RankLost("rank 1 was killed by SIGKILL"), None, "rank 1 was killed by SIGKILL"),
        (
            PermissionError(errno.EACCES, "Permission denied", "a"),
            None,
            "PermissionError: [Errno 13] Permission denied",
        ),
        (ValueError("one\ntwo"), None, "ValueError: one"),
        (RuntimeError(), None, "RuntimeError"),
    ],
    ids=str,
)
def test_reasons(error: object, missing: str | None, reason: str) -> None:
    found = error() if callable(error) else error
    assert isinstance(found, BaseException)
    assert shortage(found) == missing
    assert reason_of(found).startswith(reason)
    assert "\n" not in reason_of(found)


def test_what_an_error_came_from_counts() -> None:
    """As torch trips over the end of a file that could not be written."""
    trip = RuntimeError("unexpected pos 768 vs 662")
    assert shortage(trip) is None
    trip.__context__ = FULL
    assert shortage(trip) == "disk"
    trip.__suppress_context__ = True
    assert shortage(trip) is None
    FULL.__cause__ = trip
    trip.__cause__ = FULL
    assert not is_out_of_memory(trip)
    FULL.__cause__ = None


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as found, full_disk_named(tmp_path):
        raise RuntimeError("torch trips") from FULL
    assert (found.value.errno, found.value.filename) == (errno.ENOSPC, str(tmp_path))
    with pytest.raises(ValueError, match="else"), full_disk_named(tmp_path):
        raise ValueError("else")


def test_a_broken_connection() -> None:
    assert is_rank_lost(RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:1"))
    assert not is_rank_lost(RuntimeError("shapes do not match"))
