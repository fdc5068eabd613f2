"""Rounds of measurements: every model at every length, again and again, so that all see the same machine."""

from __future__ import annotations

import math
import multiprocessing
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.measure import flops_per_token
from experiments.profile.one import Order, measure
from experiments.profile.subject import Subject
from experiments.results.profile import Cost
from registry.assembly import assemble_block
from registry.catalog import Catalog

Figures = dict[str, Any]
Tell = Callable[[str], None]

MEMORY_SHARE = 0.9
"""Of the memory that is free, what a measurement may take before it counts as out of memory."""


def profile(
    models: Sequence[Subject],
    lengths: Sequence[int],
    *,
    catalog: Catalog,
    plugins: tuple[str, ...] = (),
    batch: int = 1,
    rounds: int = 3,
    seconds: float = 60.0,
    tell: Tell = lambda _: None,
) -> list[Cost]:
    """The costs of every model at every length, medians over the rounds; each figure is of a process of its own.

    A measurement in which one training step would take longer than `seconds`, by what shorter lengths took, is left
    out with the reason, and so is one that needs more memory than there is.
    """
    found: dict[tuple[str, int], list[Figures]] = {}
    failed: dict[tuple[str, int], str] = {}
    for turn in range(rounds):
        for length in sorted(lengths):
            for model in models:
                key = model.label, length
                if key in failed:
                    continue
                expected = _expected(found, model.label, length)
                if turn == 0 and expected is not None and expected > seconds:
                    failed[key] = f"left out: a training step would take about {expected:.0f} s"
                    tell(f"{model.label}, {length:,} tokens: {failed[key]}")
                    continue
                order = Order(dict(model.model), plugins, length, batch, min(seconds, 2.0), _allowed_memory())
                figures = _in_a_process(order)
                if "failed" in figures:
                    failed[key] = str(figures["failed"])
                else:
                    found.setdefault(key, []).append(figures)
                tell(_words(model.label, length, turn, rounds, figures))
    keys = [(model, length) for model in models for length in sorted(lengths)]
    return [_cost(m, n, batch, found.get((m.label, n), []), failed.get((m.label, n)), catalog) for m, n in keys]


def _in_a_process(order: Order) -> Figures:
    """What the process answers, or how it ended without a word."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["experiments.sweep.warm"])
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(order, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        figures: Figures = ours.recv()
    except EOFError:
        process.join()
        # the kernel kills what takes the last of the memory
        killed = process.exitcode == -9
        figures = {"failed": "killed, probably out of memory" if killed else f"ended with code {process.exitcode}"}
    process.join()
    ours.close()
    return figures


def _expected(found: Mapping[tuple[str, int], list[Figures]], label: str, length: int) -> float | None:
    """Seconds of a training step, from the two longest lengths below; None with fewer."""
    below = sorted(n for name, n in found if name == label and n < length)[-2:]
    if len(below) < 2:
        return None
    first, second = (found[label, n][0]["train_ms"] / 1000 for n in below)
    exponent = max(1.0, math.log(second / first) / math.log(below[1] / below[0]))
    return float(second * (length / below[1]) ** exponent)


def _cost(
    model: Subject, length: int, batch: int, measured: Sequence[Figures], failed: str | None, catalog: Catalog
) -> Cost:
    import torch

    with torch.device("meta"):
        built = assemble_block(model.model, catalog)
    return Cost(
        label=model.label,
        length=length,
        values=model.values,
        parameters=sum(p.numel() for p in built.parameters()),
        flops_per_token=flops_per_token(built, length, batch=batch),
        failed=failed,
        **(dict(_medians(measured)) if not failed else {}),
    )


def _medians(measured: Sequence[Figures]) -> Iterator[tuple[str, float]]:
    for name in measured[0] if measured else ():
        values = [figures[name] for figures in measured if figures.get(name) is not None]
        if values:
            yield name, statistics.median(values)


def _allowed_memory() -> int | None:
    """MB; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(MEMORY_SHARE * int(line.split()[1]) / 1024)
    return None


def _words(label: str, length: int, turn: int, rounds: int, figures: Figures) -> str:
    start = f"round {turn + 1} of {rounds}: {label}, {length:,} tokens"
    if "failed" in figures:
        return f"{start}: {figures['failed']}"
    return f"{start}: {figures['train_ms']:,.1f} ms a training step, {figures['peak_memory_mb']:,.0f} MB"
