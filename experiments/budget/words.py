"""Amounts and misses of a budget in words."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from experiments.budget.search import Found, Point

Hold: TypeAlias = Literal["parameters", "flops", "time", "tokens", "memory"]

_SOLVED_BY: dict[Hold, tuple[str, ...]] = {
    "parameters": ("hidden", "width", "depth"),
    "flops": ("steps", "hidden", "width", "depth"),
    "time": ("steps",),
    "tokens": ("steps",),
    "memory": ("hidden", "width", "depth"),
}


def amount_in_words(hold: Hold, amount: float) -> str:
    match hold:
        case "parameters" | "tokens":
            return f"{amount:,.0f} {hold}"
        case "flops":
            return f"{amount:.4g} FLOPs of training"
        case "memory":
            return f"{amount / 2**20:,.2f} MB of training memory"
        case "time":
            return f"{amount:,.4g} s of training"


def other_knobs(hold: Hold, knob: str) -> str:
    """`hidden, width or depth`: what moves the amount, apart from what has been tried."""
    others = [name for name in _SOLVED_BY[hold] if name != knob]
    return " or ".join([", ".join(others[:-1]), others[-1]] if len(others) > 1 else others)


def step_in_words(hold: Hold, path: str, point: Point, target: float) -> str:
    off = (point.amount - target) / target
    return f"{path} = {point.value} makes {amount_in_words(hold, point.amount)} ({off:+.2%})"


def miss(hold: Hold, knob: str, path: str, found: Found, target: float, tolerance: float) -> str:
    """Why a variant cannot be brought to the target, what comes nearest, and what would help."""
    wanted = f"cannot have {amount_in_words(hold, target)} within {100 * tolerance:.3g}%"
    others = other_knobs(hold, knob)
    remedy = f"solve by {others}" if others else "hold something else, or at another amount"
    if found.flat:
        return (
            f"{wanted}: {path} does not change it, every value that works makes "
            f"{amount_in_words(hold, found.nearest.amount)}; {remedy}"
        )
    near = step_in_words(hold, path, found.nearest, target)
    if found.above is None:
        reached = f"the largest value that works is not enough: {near}, the nearest reachable"
    elif found.below is None:
        reached = f"the smallest value that works is too much: {near}, the nearest reachable"
    else:
        further = found.above if found.nearest == found.below else found.below
        reached = f"{near}, the nearest reachable, and {step_in_words(hold, path, further, target)}"
    off = abs(found.nearest.amount - target) / target
    allow = f"allow tolerance: {math.ceil(1000 * off) / 10:g}% or " if off < 0.5 else ""
    return f"{wanted}: {reached}; {allow}{remedy}"
