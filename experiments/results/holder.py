"""Who works in a folder, as seen by others: without taking the lock, which a process that wants it would be refused."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from experiments.results.lenient import mapping, text, whole

LOCK = ".lock"


@dataclass(frozen=True)
class Holder:
    """The process that works in a folder; what is not known is 0 or empty. since: as it was signed, with its zone."""

    pid: int = 0
    host: str = ""
    since: str = ""


def holder(folder: Path) -> Holder | None:
    """The holder of a folder's lock, or None. The kernel decides; what the file says only gives it a name."""
    path = folder / LOCK
    try:
        found = os.stat(path)
        signed = _signed(path)
    except OSError:
        return None
    locks = _kernel_locks()
    if locks is None or signed.host not in ("", socket.gethostname()):
        return signed if _refused(path) else None
    pid = locks.get(found.st_ino)
    if pid is None:
        return None
    # seen from another container, the kernel has no number for it
    return signed if pid in (signed.pid, 0) else Holder(pid)


def _signed(path: Path) -> Holder:
    try:
        raw = mapping(json.loads(path.read_bytes()))
    except ValueError:
        return Holder()
    return Holder(whole(raw.get("pid")) or 0, text(raw.get("host")), text(raw.get("since")))


def _kernel_locks() -> dict[int, int] | None:
    """Inode -> process of the locks that are held on this machine; None where the kernel does not tell."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return None
    # "1: FLOCK  ADVISORY  WRITE 4242 08:01:131105 0 EOF"; one with an arrow waits
    words = [line.split() for line in lines if "->" not in line]
    return {int(w[5].rpartition(":")[2]): max(0, int(w[4])) for w in words if len(w) > 5 and w[1] == "FLOCK"}


def _refused(path: Path) -> bool:
    """Whether even sharing the lock is refused. For a moment this keeps others from it, so only where it must be."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(file, fcntl.LOCK_UN)
    return False
