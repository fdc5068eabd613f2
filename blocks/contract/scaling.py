"""The contract of the scaling family."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blocks.contract.check import check, demand
from blocks.contract.subject import Subject
from blocks.scaling import Scaling

BASE, PAIRS = 10000.0, 8


def rates(dtype: torch.dtype = torch.float64) -> Tensor:
    """Angles per position of each pair of coordinates, as rotary has them."""
    return BASE ** (-torch.arange(PAIRS, dtype=dtype) / PAIRS)


@check("scaling", "one rate for each pair of coordinates, none faster than it was")
@torch.no_grad()
def slower(subject: Subject) -> None:
    scaling: Scaling = subject.raw()
    for dtype in (torch.float64, torch.float32):
        before = rates(dtype)
        after = scaling.slowed(before, BASE)
        demand(after.shape == before.shape, f"{PAIRS} rates become {tuple(after.shape)}")
        demand(after.dtype == dtype, f"rates in {dtype} come back as {after.dtype}")
        demand((after.isfinite() & (after > 0)).all(), "a rate is not a positive number")
        demand((after <= before * (1 + 1e-5)).all(), "a pair turns faster than before")


@check("scaling", "the same rates each time, and those that it is given stay as they are")
@torch.no_grad()
def pure(subject: Subject) -> None:
    scaling, before = subject.raw(), rates()
    once, again = scaling.slowed(before, BASE), scaling.slowed(rates(), BASE)
    demand(torch.equal(before, rates()), "it changes the rates in place")
    demand(torch.equal(once, again), "a second call gives other rates")


@check("scaling", "the factor on queries and keys is a positive number")
def factor(subject: Subject) -> None:
    attention = subject.raw().attention
    demand(isinstance(attention, int | float), f"`attention` is a number, not {type(attention).__name__}")
    demand(math.isfinite(attention) and attention > 0, f"`attention` is {attention}")


@check("scaling", "runs on the meta device")
@torch.no_grad()
def runs_on_meta(subject: Subject) -> None:
    with torch.device("meta"):
        after = subject.raw().slowed(torch.empty(PAIRS), BASE)
    demand(after.is_meta and after.shape == (PAIRS,), "on the meta device there is not one rate for each pair")
