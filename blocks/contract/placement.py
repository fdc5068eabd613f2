"""The contract of the placement family."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from blocks.contract.check import Broken, check, demand
from blocks.contract.common import Feed, promise_common
from blocks.contract.compare import dependence, moved, same
from blocks.contract.subject import Subject
from blocks.init import Init
from blocks.placement import Placement
from registry import build

N = 5


def through(placement: Placement, x: Tensor, sublayers: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
    """One layer."""
    state = placement.open(x)
    for number, sublayer in enumerate(sublayers):
        state = placement.step(number, state, sublayer)
    return placement.close(state)


def maps(count: int, dim: int) -> list[nn.Linear]:
    """Sublayers that mix each token's own numbers."""
    return [nn.Linear(dim, dim).double() for _ in range(count)]


@check("placement", "runs each sublayer once, in order, on the stream's shape")
@torch.no_grad()
def order(subject: Subject) -> None:
    for steps in (1, 2, 3):
        placement, ran = subject.build(steps=steps), list[int]()
        x = torch.randn(2, N, subject["dim"]).double()

        def note(number: int, given: Tensor) -> Tensor:
            ran.append(number)  # noqa: B023
            demand(given.shape == x.shape, f"a sublayer is given {tuple(given.shape)} for {tuple(x.shape)}")  # noqa: B023
            return given.sin()

        out = through(placement, x, [lambda t, i=i: note(i, t) for i in range(steps)])  # type: ignore[misc]
        demand(ran == list(range(steps)), f"of {steps} sublayers it ran, in this order: {ran}")
        demand(out.shape == x.shape, f"the stream {tuple(x.shape)} leaves as {tuple(out.shape)}")


@check("placement", "every sublayer and the stream reach the output")
@torch.no_grad()
def all_count(subject: Subject) -> None:
    placement, x = subject.build(steps=3), torch.randn(2, N, subject["dim"]).double()
    sublayers = maps(3, subject["dim"])
    out = through(placement, x, sublayers)
    demand(moved(through(placement, torch.randn_like(x), sublayers), out).all(), "the stream does not reach the output")
    for number in range(3):
        others = [*sublayers[:number], *maps(1, subject["dim"]), *sublayers[number + 1 :]]
        demand(moved(through(placement, x, others), out).all(), f"sublayer {number} does not reach the output")


@check("placement", "keeps tokens apart and remembers nothing")
@torch.no_grad()
def apart(subject: Subject) -> None:
    placement, sublayers = subject.build(), maps(subject["steps"], subject["dim"])
    x = torch.randn(1, N, subject["dim"]).double()
    before = through(placement, x, sublayers)
    for loudness in (1.0, 1e4):
        seen = dependence(lambda t: through(placement, t, sublayers), x, loudness)
        demand(~(seen & ~torch.eye(N, dtype=torch.bool)).any(), "it mixes tokens, which only sublayers may do")
    same(through(placement, x, sublayers), before, "a second call with the same stream differs: it keeps something")


@check("placement", "two layers may run at the same time")
@torch.no_grad()
def interleaved(subject: Subject) -> None:
    placement, sublayers = subject.build(), maps(subject["steps"], subject["dim"])
    x, y = (torch.randn(2, N, subject["dim"]).double() for _ in range(2))
    one, two = placement.open(x), placement.open(y)
    for number, sublayer in enumerate(sublayers):
        one, two = placement.step(number, one, sublayer), placement.step(number, two, sublayer)
    same(placement.close(one), through(placement, x, sublayers), "its state is not all in what `open` returns")
    same(placement.close(two), through(placement, y, sublayers), "its state is not all in what `open` returns")


@check("placement", "gradients reach every sublayer")
def sublayer_gradients(subject: Subject) -> None:
    placement, sublayers = subject.build(), maps(subject["steps"], subject["dim"])
    x = torch.randn(2, N, subject["dim"]).double().requires_grad_()
    out = through(placement, x, sublayers)
    total, inputs = (out * out.detach().cos()).sum(), [x, *(s.weight for s in sublayers)]
    for number, gradient in enumerate(torch.autograd.grad(total, inputs, allow_unused=True)):
        about = "the stream" if number == 0 else f"sublayer {number - 1}"
        if gradient is None:
            raise Broken(f"no gradient reaches {about}")
        demand(gradient.isfinite().all() & (gradient.abs().max() > 1e-9), f"no finite gradient reaches {about}")


@check("placement", "says what a stack needs to know")
def facts(subject: Subject) -> None:
    placement = subject.build()
    demand(isinstance(placement.final_norm, bool), "final_norm is a bool: whether a stack ends with a norm")
    if placement.own_init is not None:
        demand(isinstance(build(placement.own_init), Init), "own_init must build an initialisation")


def exercise(subject: Subject, module: nn.Module, feed: Feed) -> Sequence[Tensor]:
    assert isinstance(module, Placement)
    return [through(module, feed.vectors(2, N, subject["dim"]), [torch.sin] * subject["steps"])]


promise_common("placement", exercise)
