"""The placements that are one equation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from blocks.norm import RMSNorm
from blocks.placement import Placement, Post, Pre, Residual
from registry import Build, Builder, build
from registry.part import declared

F = Callable[[Tensor], Tensor]


def named(kind: str) -> Build[Placement]:
    found = declared()["placement", kind]
    return Builder(found.target, found.fixed)


def f(x: Tensor) -> Tensor:
    return torch.sin(3 * x)


def g(x: Tensor) -> Tensor:
    return torch.tanh(2 * x) + 0.5


def make(placement: Build[Placement], steps: int = 2) -> Placement:
    made = build(placement, dim=6, steps=steps, norm=RMSNorm).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()
    return made


def through(placement: Placement, x: Tensor) -> Tensor:
    state = placement.open(x)
    for number, sublayer in enumerate((f, g)):
        state = placement.step(number, state, sublayer)
    return placement.close(state)


def at(norms: torch.nn.ModuleList, number: int) -> F | None:
    return norms[number] if len(norms) else None


EQUATIONS: dict[str, Callable[[Tensor, F, F | None, F | None, F | None], Tensor]] = {
    "pre": lambda x, f, i, b, o: x + f(i(x)),  # type: ignore[misc]
    "post": lambda x, f, i, b, o: o(x + f(x)),  # type: ignore[misc]
    "sandwich": lambda x, f, i, b, o: x + b(f(i(x))),  # type: ignore[misc]
    "reordered": lambda x, f, i, b, o: x + b(f(x)),  # type: ignore[misc]
}


@pytest.mark.parametrize("kind", EQUATIONS)
def test_is_its_equation(kind: str) -> None:
    placement = make(named(kind))
    assert isinstance(placement, Residual)
    x = torch.randn(2, 3, 6, dtype=torch.float64)
    lists = placement.in_norms, placement.branch_norms, placement.out_norms
    right = x
    for number, sublayer in enumerate((f, g)):
        right = EQUATIONS[kind](right, sublayer, *(at(norms, number) for norms in lists))
    torch.testing.assert_close(through(placement, x), right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "count", "final"), [("pre", 2, True), ("post", 2, False), ("sandwich", 4, True), ("reordered", 2, True)]
)
def test_has_the_norms_that_it_names_and_no_others(kind: str, count: int, final: bool) -> None:
    placement = make(named(kind))
    assert len(list(placement.parameters())) == count
    assert placement.final_norm is final
    assert len(list(make(named(kind), steps=3).parameters())) == count * 3 // 2


def test_the_residual_can_be_weighted() -> None:
    placement = make(partial(Residual, skip=2.5))
    x = torch.randn(2, 3, 6, dtype=torch.float64)
    once = 2.5 * x + f(x)
    torch.testing.assert_close(through(placement, x), 2.5 * once + g(once), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", EQUATIONS)
def test_the_branch_can_be_weighted(kind: str) -> None:
    chosen = named(kind)
    placement = make(Builder(chosen.target, {**chosen.options, "branch": 0.3}))  # type: ignore[attr-defined]
    assert isinstance(placement, Residual)
    x = torch.randn(2, 3, 6, dtype=torch.float64)
    lists = placement.in_norms, placement.branch_norms, placement.out_norms
    right = x
    for number, sublayer in enumerate((f, g)):
        i, b, o = (at(norms, number) or (lambda t: t) for norms in lists)
        right = o(right + 0.3 * b(sublayer(i(right))))
    torch.testing.assert_close(through(placement, x), right, rtol=1e-12, atol=1e-12)


def test_a_bare_sublayer_reads_the_stream_as_it_is() -> None:
    placement = make(partial(Residual, in_norm=True, bare=[0]))
    assert isinstance(placement, Residual)
    x = torch.randn(2, 3, 6, dtype=torch.float64)
    once = x + f(x)
    right = once + g(placement.in_norms[1](once))
    torch.testing.assert_close(through(placement, x), right, rtol=1e-12, atol=1e-12)
    assert [name for name, _ in placement.named_parameters()] == ["in_norms.1.weight"]


def test_the_short_names_are_the_presets() -> None:
    x = torch.randn(1, 2, 6, dtype=torch.float64)
    for short, kind in ((Pre, "pre"), (Post, "post")):
        one, two = (build(p, dim=6, steps=2, norm=RMSNorm).double() for p in (short, named(kind)))
        assert torch.equal(through(one, x), through(two, x))
