"""Promises that all modules make: gradients, saving, dtype, device, evaluation without chance."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor, nn

from blocks.contract.check import Broken, check, demand
from blocks.contract.compare import MOVED
from blocks.contract.subject import Subject


@dataclass
class Feed:
    """Makes the inputs of a module, the same ones each time. made: the float inputs so far, each with a copy.

    nudge: how far inputs stand from their usual place, along a fixed direction.
    """

    dtype: torch.dtype = torch.float64
    device: str = "cpu"
    nudge: float = 0.0
    made: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    dice: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(7))

    def vectors(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        here, step = (torch.randn(*shape, generator=self.dice, dtype=torch.float64) for _ in range(2))
        new = (here + self.nudge * step).to(self.device, self.dtype)
        self.made.append((new, new.clone()))
        return new

    def ids(self, rows: int, n: int, vocab: int) -> Tensor:
        """Tokens of a vocabulary."""
        return torch.randint(vocab, (rows, n), generator=self.dice).to(self.device)

    def flags(self, values: Sequence[Sequence[bool]]) -> Tensor:
        """A boolean mask."""
        return torch.tensor(values).to(self.device)


Exercise: TypeAlias = Callable[[Subject, nn.Module, Feed], Sequence[Tensor]]
"""Calls a module in every way that its family knows and the part declares; returns what came out."""


def promise_common(family: str, exercise: Exercise) -> None:
    """Add to a family the promises that all modules make."""
    for name, test in _COMMON.items():
        check(family, name)(_bound(test, exercise))


def _bound(test: Callable[[Subject, Exercise], None], exercise: Exercise) -> Callable[[Subject], None]:
    return lambda subject: test(subject, exercise)


@torch.no_grad()
def saves(subject: Subject, exercise: Exercise) -> None:
    first, second = subject.build(seed=0), subject.build(seed=1)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    for before, after in zip(exercise(subject, first, Feed()), exercise(subject, second, Feed()), strict=True):
        demand(torch.equal(before, after), "a second instance that loads the first one's state computes something else")


@torch.no_grad()
def follows_dtype(subject: Subject, exercise: Exercise) -> None:
    exact = exercise(subject, subject.build(), Feed())
    for dtype, error in ((torch.float64, 1e-9), (torch.float32, 1e-3), (torch.bfloat16, 0.2)):
        outs = exercise(subject, subject.build().to(dtype), Feed(dtype))
        for out, right in zip(outs, exact, strict=True):
            demand(out.dtype == dtype, f"with {dtype} parameters and inputs the output is {out.dtype}")
            demand(out.isfinite().all(), f"in {dtype} not all outputs are finite")
            gap = float((out.double() - right).square().mean().sqrt())
            size = max(1.0, float(right.square().mean().sqrt()))
            demand(gap <= error * size, f"the outputs in {dtype} are off by {gap:.2g}")


@torch.no_grad()
def keeps_float64(subject: Subject, exercise: Exercise) -> None:
    """Difference quotients with two tiny steps agree only if nothing on the way was rounded to fewer digits."""
    module = subject.build()
    ways = [torch.randn_like(p) for p in module.parameters()]

    def at(step: float) -> list[Tensor]:
        for parameter, way in zip(module.parameters(), ways, strict=True):
            parameter.add_(step * way)
        outs = exercise(subject, module, Feed(nudge=step))
        for parameter, way in zip(module.parameters(), ways, strict=True):
            parameter.sub_(step * way)
        return list(outs)

    for far, near in zip(_slopes(at, 1e-7), _slopes(at, 5e-8), strict=True):
        gap, size = float((far - near).abs().max()), max(1.0, float(far.abs().max()))
        demand(gap <= 1e-3 * size, "float64 inputs are rounded to fewer digits on the way: their slopes are noise")


def _slopes(at: Callable[[float], list[Tensor]], step: float) -> list[Tensor]:
    return [(up - down) / (2 * step) for up, down in zip(at(step), at(-step), strict=True)]


@torch.no_grad()
def runs_on_meta(subject: Subject, exercise: Exercise) -> None:
    """A dry build: shapes without memory, as a spec is checked before a run."""
    shapes = [out.shape for out in exercise(subject, subject.build(), Feed())]
    with torch.device("meta"):
        module = subject.raw()
    for training in (False, True):
        outs = exercise(subject, module.train(training), Feed(torch.get_default_dtype(), "meta"))
        demand([out.shape for out in outs] == shapes, "on the meta device the outputs have other shapes")
        demand(all(out.is_meta for out in outs), "on the meta device the outputs are not meta tensors")


def gradients(subject: Subject, exercise: Exercise) -> None:
    """A gradient may be zero only where the parameter has no effect, as key biases under a softmax."""
    module, feed = subject.build(), Feed()
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    outs = exercise(subject, module, feed)
    weights = [torch.randn_like(out) for out in outs]
    total = sum(((out * weight).sum() for out, weight in zip(outs, weights, strict=True)), torch.zeros(()).double())
    if not parameters:
        return
    demand(total.requires_grad, "no gradient reaches any parameter")
    found = torch.autograd.grad(total, list(parameters.values()), allow_unused=True)
    for (name, parameter), gradient in zip(parameters.items(), found, strict=True):
        if gradient is None:
            raise Broken(f"parameter '{name}' takes no part in any output, or its gradient is cut off")
        demand(gradient.isfinite().all(), f"the gradient of parameter '{name}' is not finite")
        if float(gradient.abs().max()) < 1e-12:
            effect = _effect(subject, module, exercise, parameter, outs)
            demand(effect < MOVED, f"parameter '{name}' changes the output but its gradient is zero")


@torch.no_grad()
def _effect(
    subject: Subject, module: nn.Module, exercise: Exercise, parameter: Tensor, before: Sequence[Tensor]
) -> float:
    """How much the outputs change with this parameter."""
    kept = parameter.clone()
    parameter.add_(torch.randn_like(parameter))
    after = exercise(subject, module, Feed())
    parameter.copy_(kept)
    return max(float((a - b).abs().max()) for a, b in zip(after, before, strict=True))


@torch.no_grad()
def no_chance(subject: Subject, exercise: Exercise) -> None:
    module, feed = subject.build(), Feed()
    once = exercise(subject, module, feed)
    torch.manual_seed(123)
    for first, second in zip(once, exercise(subject, module, Feed()), strict=True):
        demand(torch.equal(first, second), "two evaluations of the same input differ")
    for given, copy in feed.made:
        demand(torch.equal(given, copy), "a call changes its input in place")


_COMMON: dict[str, Callable[[Subject, Exercise], None]] = {
    "finite gradients reach every parameter": gradients,
    "evaluation has no chance in it and leaves inputs alone": no_chance,
    "saves and loads": saves,
    "dtype follows parameters and inputs": follows_dtype,
    "float64 stays float64": keeps_float64,
    "runs on the meta device": runs_on_meta,
}
