"""One model at one length, measured in a process of its own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor, nn

from experiments.peak_memory import reset_peak, resident_peak
from experiments.sweep.memory import limit_memory
from registry.assembly import assemble_block
from registry.catalog import Catalog

WARM_UP_LENGTH = 64
"""Long enough to load whatever is loaded at a first call, short enough to cost nothing."""
MOST_REPEATS = 5
DECODED = 8
"""Tokens that are decoded to time one."""


@dataclass(frozen=True)
class Order:
    """What to measure. seconds: about how long repeats of one figure may take. memory_mb: what the process may hold."""

    model: Mapping[str, Any]
    plugins: tuple[str, ...]
    length: int
    batch: int
    seconds: float
    memory_mb: int | None


def measure(order: Order, answer: Connection) -> None:
    """Send the figures of `results.profile.Cost`, those that are measured, or {"failed": why}."""
    torch.set_num_threads(1)
    try:
        if order.memory_mb is not None:
            limit_memory(order.memory_mb)
        answer.send(_figures(order))
    except (MemoryError, RuntimeError, ValueError) as error:
        words = " ".join(str(error).split())
        out = isinstance(error, MemoryError) or "allocate memory" in words
        answer.send({"failed": "out of memory" if out else words[:300]})


def _figures(order: Order) -> dict[str, float | None]:
    torch.manual_seed(0)
    model: Any = assemble_block(order.model, Catalog.load(order.plugins))
    _train(model, model.example(order.batch, WARM_UP_LENGTH))
    inputs = model.example(order.batch, order.length)
    before = reset_peak()
    _train(model, inputs)
    peak = resident_peak() - before
    passes = [_train(model, inputs) for _ in _repeats(order.seconds)]
    forward = _median(lambda: _forward(model, inputs), order.seconds)
    backward, both = (1000 * statistics.median(times) for times in zip(*passes, strict=True))
    return {
        "forward_ms": forward,
        "backward_ms": backward,
        "train_ms": both,
        "tokens_per_second": 1000 * order.batch * order.length / both,
        "peak_memory_mb": peak,
        **_decoding(model, inputs, order),
    }


def _forward(model: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    model.eval()
    with torch.no_grad():
        model(**inputs)


def _train(model: nn.Module, inputs: Mapping[str, Tensor]) -> tuple[float, float]:
    """Seconds of the backward pass, and of both; gradients are let go of."""
    model.train()
    began = time.perf_counter()
    loss = model(**inputs).float().square().mean()
    turned = time.perf_counter()
    loss.backward()
    ended = time.perf_counter()
    model.zero_grad(set_to_none=True)
    return ended - turned, ended - began


def _decoding(model: Any, inputs: Mapping[str, Tensor], order: Order) -> dict[str, float | None]:
    """Time of a token after `length` others, and what is remembered of those; None for models that do not decode."""
    try:
        state = model.new_state()
    except NotImplementedError:
        return {}
    model.eval()
    with torch.no_grad():
        model.run(**inputs, state=state)
        held = cache_bytes(state.caches)
        token = inputs["tokens"][:, -1:]
        times = []
        for _ in range(DECODED):
            began = time.perf_counter()
            model.run(token, state=state)
            times.append(time.perf_counter() - began)
    each = statistics.median(times)
    return {
        "decode_ms": 1000 * each,
        "decode_tokens_per_second": order.batch / each,
        "cache_mb": held / 2**20,
        "cache_bytes_per_token": held / (order.batch * order.length),
    }


def cache_bytes(caches: Any) -> int:
    """Bytes of all tensors that caches hold, however they are nested; shared storage counts once."""
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in _tensors(caches)}.values())


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)
    elif type(value).__module__.startswith("blocks."):
        slots = {name: getattr(value, name) for name in getattr(type(value), "__slots__", ()) if hasattr(value, name)}
        yield from _tensors({**slots, **getattr(value, "__dict__", {})})


def _median(act: Callable[[], None], seconds: float) -> float:
    """Milliseconds."""
    times = []
    for _ in _repeats(seconds):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def _repeats(seconds: float) -> Iterator[int]:
    """At least one turn, and as many as begin within so many seconds, up to `MOST_REPEATS`."""
    end = time.perf_counter() + seconds
    yield 0
    for turn in range(1, MOST_REPEATS):
        if time.perf_counter() > end:
            return
        yield turn
