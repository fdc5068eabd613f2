"""How a training run can end other than by finishing, and how each is told."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No room on the disk, in the quota, or within the limit of a file's size."""
_NO_MEMORY = ("can't allocate memory", "not enough memory", "cannot allocate memory", "std::bad_alloc")

_NO_PEER = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "gloo/transport", "NCCL")


class Diverged(Exception):
    """A loss or a weight is not finite. step: the optimizer step at which it was seen."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(f"{what} at step {step}")
        self.step = step


class Interrupted(Exception):
    """A signal asked the run to stop, and it stopped after saving."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name} after saving")
        self.signum = signum


class Paused(Exception):
    """The run came to where it was to pause, after saving. metrics: of the last validation."""

    def __init__(self, step: int, metrics: Mapping[str, float]) -> None:
        super().__init__(f"paused at step {step}")
        self.step = step
        self.metrics = metrics


class StopNow(BaseException):
    """A second signal: stop at once, without saving. Not an Exception, so that nothing on the way swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped at once by a second {signal.Signals(signum).name}")
        self.signum = signum


class Busy(Exception):
    """Another process is working in the folder."""


class CannotResume(ValueError):
    """What is in the folder belongs to another spec, to other data, or to another number of processes."""


class RankLost(RuntimeError):
    """A process of the trial was killed or lost; the trial can go on from its last checkpoint."""


class RankFailed(RuntimeError):
    """Another process of the trial raised an error. shortage: what it ran out of, if that was why."""

    def __init__(self, rank: int, reason: str, shortage: Shortage | None = None) -> None:
        super().__init__(f"rank {rank}: {reason}")
        self.shortage = shortage


Shortage = Literal["memory", "disk"]


def shortage(error: BaseException) -> Shortage | None:
    """What a process ran out of, if that is why it failed."""
    if is_out_of_memory(error):
        return "memory"
    return "disk" if is_disk_full(error) else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on the CPU or a GPU, here or in another rank."""
    return any(_no_memory(found) for found in _chain(error))


def is_disk_full(error: BaseException) -> bool:
    """Whether there was no room to write, here or in another rank."""
    return any(_no_room(found) for found in _chain(error))


def is_rank_lost(error: BaseException) -> bool:
    """Whether the connection to another process of the trial broke."""
    return any(
        isinstance(found, RuntimeError) and any(words in str(found) for words in _NO_PEER) for found in _chain(error)
    )


def reason_of(error: BaseException) -> str:
    """Why a run failed, in one line."""
    if isinstance(error, RankFailed | RankLost):
        return str(error)
    if is_disk_full(error):
        found = next(found for found in _chain(error) if _no_room(found))
        return f"disk full: {_line(found)}; what was saved before is kept, and is continued from"
    if is_out_of_memory(error):
        return f"out of memory: {_line(next(found for found in _chain(error) if _no_memory(found)))}"
    return f"{type(error).__name__}: {_line(error)}".removesuffix(": ")


@contextmanager
def full_disk_named(folder: Path) -> Iterator[None]:
    """Inside, an error that says no more than that there is no room is raised as one that says where."""
    try:
        yield
    except Exception as error:
        found = next((e for e in _chain(error) if isinstance(e, OSError) and _no_room(e)), None)
        if found is None or getattr(error, "filename", None) is not None:
            raise
        raise OSError(found.errno, found.strerror, str(folder)) from error


def _no_memory(error: BaseException) -> bool:
    if isinstance(error, RankFailed):
        return error.shortage == "memory"
    # torch's own error for GPUs, which need not be imported here
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def _no_room(error: BaseException) -> bool:
    if isinstance(error, RankFailed):
        return error.shortage == "disk"
    return isinstance(error, OSError) and error.errno in FULL


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those it came from."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else ""
