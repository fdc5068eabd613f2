"""Memory as the operating system counts it: limiting a process, and noticing that one was killed for it."""

from __future__ import annotations

import resource
from pathlib import Path


def limit_memory(mb: int) -> None:
    """Let this process hold no more than so much data, in MB; allocating more then raises an error that can be told."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = mb * 2**20
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def oom_kills(root: Path = Path("/")) -> int | None:
    """How many processes of our control group the kernel has killed for want of memory; None where nothing tells.

    From `oom_kill` in memory.events (cgroup v2, Linux documentation admin-guide/cgroup-v2.rst) or, in version 1,
    memory.oom_control.

    root: where /proc and /sys are.
    """
    for path in _counters(root):
        try:
            words = dict(line.split() for line in path.read_text().splitlines())
            return int(words["oom_kill"])
        except (OSError, ValueError, KeyError):
            continue
    return None


def _counters(root: Path) -> list[Path]:
    """Where the count may stand: below the group's own name, or at the top where a container sees only itself."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if "memory" in controllers.split(","):
            top, name = root / "sys/fs/cgroup/memory", "memory.oom_control"
        elif not controllers:
            top, name = root / "sys/fs/cgroup", "memory.events"
        else:
            continue
        found += [top / group.lstrip("/") / name, top / name]
    return found
