"""Time and memory of one attention layer."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from benchmarks.layers import CONTENDERS, Contender, Run
from experiments.peak_memory import reset_peak, resident_peak


@dataclass
class Figures:
    """Medians in milliseconds, and the peak of memory beyond what the process had before, in MB; None: not measured."""

    forward: float | None = None
    both: float | None = None
    memory: float | None = None
    error: str = ""


@dataclass
class _Running:
    run: Run
    forward: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)


def forward(run: Run, x: Tensor) -> None:
    with torch.no_grad():
        run(x)


def forward_backward(run: Run, x: Tensor) -> None:
    run(x.detach().requires_grad_()).sum().backward()  # type: ignore[no-untyped-call]


def times(contenders: Sequence[Contender], n: int, width: int, heads: int, causal: bool, repeats: int) -> list[Figures]:
    """Side by side in this process: each repeat times every contender once, so that all see the same machine."""
    x = torch.randn(1, n, width)
    figures = [Figures() for _ in contenders]
    running: dict[int, _Running] = {}
    for number, contender in enumerate(contenders):
        try:
            run = built(contender, width, heads, causal)
            forward_backward(run, x)
            running[number] = _Running(run)
        # a package of somebody else may raise anything
        except Exception as error:
            figures[number].error = f"{type(error).__name__}: {error}".splitlines()[0]
    for _ in range(repeats):
        for one in running.values():
            one.forward.append(_seconds(forward, one.run, x))
            one.both.append(_seconds(forward_backward, one.run, x))
    for number, one in running.items():
        figures[number].forward = 1000 * statistics.median(one.forward)
        figures[number].both = 1000 * statistics.median(one.both)
    return figures


def built(contender: Contender, width: int, heads: int, causal: bool) -> Run:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return contender.make(width, heads, causal)


def _seconds(act: object, run: Run, x: Tensor) -> float:
    before = time.perf_counter()
    act(run, x)  # type: ignore[operator]
    return time.perf_counter() - before


def memory_apart(contender: Contender, n: int, width: int, heads: int, causal: bool, threads: int) -> float | None:
    """Peak of forward and backward in a fresh process, in MB; None when that fails."""
    arguments = [str(a) for a in (CONTENDERS.index(contender), n, width, heads, int(causal), threads)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", *arguments], capture_output=True, text=True, check=False
    )
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def _memory_here(number: int, n: int, width: int, heads: int, causal: int, threads: int) -> float:
    torch.set_num_threads(threads)
    run = built(CONTENDERS[number], width, heads, bool(causal))
    # loads whatever is loaded at the first call; a multiple of every window and block
    forward_backward(run, torch.randn(1, 1024, width))
    x = torch.randn(1, n, width)
    before = reset_peak()
    forward_backward(run, x)
    return resident_peak() - before


if __name__ == "__main__":
    print(_memory_here(*(int(a) for a in sys.argv[1:])))  # type: ignore[arg-type]
