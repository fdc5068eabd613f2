"""Where a result comes from: versions, hardware and commits, and the attempts it took; without names or paths.

Host, user and folder names are left out, and so are environment variables: results are passed around.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from experiments.atomic import write_json
from experiments.peak_memory import most_resident
from experiments.results.lenient import objects, read_json
from experiments.results.origin import FILE
from experiments.training.errors import Busy

SCHEMA_VERSION = 1
PACKAGES = ("swapformer", "torch", "pytorch-lightning", "numpy")
_GIT_SECONDS = 10


@contextmanager
def recorded(folder: Path, seed: int, plugins: Sequence[str] = ()) -> Iterator[None]:
    """Keep in `provenance.json` that a trial is worked on inside, and how that ended; a finished one is left alone.

    The start is written before anything is trained, so that an attempt that is killed is known too. What else fails
    inside passes through.
    """
    if (folder / "summary.json").exists():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    earlier = objects((read_json(path, []) or {}).get("attempts"))
    attempt: dict[str, Any] = {"started": _now()}
    content = {
        "schema_version": SCHEMA_VERSION,
        "seed": seed,
        "environment": {**environment(), "threads": threads(), **_digests(plugins)},
        "attempts": [*earlier, attempt],
    }
    write_json(path, content, durable=False)
    # durations are of the monotonic clock: the other one may be set back
    began = time.monotonic()
    try:
        yield
    except Busy:
        # another process is at work on it, so nothing has begun here
        content["attempts"] = earlier
        raise
    finally:
        attempt |= _end(folder, time.monotonic() - began)
        # a full disk must not take away a result for the sake of its circumstances
        with suppress(OSError):
            write_json(path, content)


def _end(folder: Path, seconds: float) -> dict[str, Any]:
    status = (read_json(folder / "state.json", []) or {}).get("status")
    return {
        "ended": _now(),
        "seconds": round(seconds, 3),
        "peak_memory_mb": round(most_resident(), 1),
        "status": status if status in ("finished", "diverged", "interrupted", "paused") else "failed",
    }


@functools.cache
def environment() -> dict[str, Any]:
    """Versions, hardware, and the commits of the program and of the folder it is called in, where they have one.

    Found once in a process: a program goes on as it was when it was imported.
    """
    here = Path(__file__).parent
    program = _commit(here) if _tracked(here / "__init__.py") else {}
    called_in = {} if program and _top(Path.cwd()) == _top(here) else _commit(Path.cwd())
    return {
        **{name: found for name in PACKAGES if (found := _version(name))},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **_hardware(),
        **{f"git_{key}": value for key, value in program.items()},
        **{f"folder_git_{key}": value for key, value in called_in.items()},
    }


def cores() -> int:
    """How many cores this process may use."""
    # macOS cannot tell which cores are a process's own
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """With how many threads this process computes; torch knows, where it is loaded."""
    torch = sys.modules.get("torch")
    return int(torch.get_num_threads()) if torch is not None else cores()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _hardware() -> dict[str, Any]:
    found: dict[str, Any] = {"cpu": _cpu(), "cores": cores()}
    with suppress(ValueError, OSError):
        found["memory_gb"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    if gpus := _gpus():
        found["gpu"] = ", ".join(gpus)
    return found


def _cpu() -> str:
    try:
        if sys.platform == "darwin":
            return _said("sysctl", "-n", "machdep.cpu.brand_string")
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, subprocess.SubprocessError):
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _gpus() -> list[str]:
    """Names of the GPUs, from the driver's files: asking torch would start CUDA in a process that forks."""
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = [line for card in cards for line in card.read_text(errors="replace").splitlines()]
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]


def _tracked(path: Path) -> bool:
    """Whether a file belongs to a repository, not only lies inside one, as an environment for Python may."""
    try:
        _git(path.parent, "ls-files", "--error-unmatch", path.name)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _top(folder: Path) -> str | None:
    try:
        return _git(folder, "rev-parse", "--show-toplevel")
    except (OSError, subprocess.SubprocessError):
        return None


def _commit(folder: Path) -> dict[str, Any]:
    """The commit that a folder is at, and whether tracked files differ from it; nothing outside a repository."""
    try:
        status = _git(folder, "status", "--porcelain", "--untracked-files=no")
        return {"commit": _git(folder, "rev-parse", "HEAD"), "dirty": bool(status)}
    except (OSError, subprocess.SubprocessError):
        return {}


def _git(folder: Path, *words: str) -> str:
    # a repository may name a program to be run as its file monitor
    return _said("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(folder), *words)


def _said(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=True, timeout=_GIT_SECONDS
    ).stdout.strip()


def _digests(plugins: Sequence[str]) -> dict[str, str]:
    """Which parts from outside were used: the name of each file with the start of its SHA-256; modules by name."""
    found = {}
    for plugin in plugins:
        path = Path(plugin)
        try:
            found[f"plugin {path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        except OSError:
            found[f"plugin {path.name}"] = _version(plugin) or "module"
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
