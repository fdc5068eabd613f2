"""What a scheme uses is what it overrides."""

from __future__ import annotations

import pytest
import torch

from blocks.coords import Coords
from blocks.position import T5, Alibi, Learned, NoPosition, Position, Rotary, Shaw, Sinusoidal

HOOKS = [
    (NoPosition, set()),
    (Sinusoidal, set()),
    (Learned, set()),
    (Rotary, {"rotate"}),
    (Alibi, {"bias"}),
    (T5, {"bias"}),
    (Shaw, {"content_bias", "content_value"}),
]


@pytest.mark.parametrize(("scheme", "hooks"), HOOKS)
def test_hooks_and_needs_are_derived(scheme: type[Position], hooks: set[str]) -> None:
    assert set(scheme.hooks) == hooks
    assert {(need.slot, need.capability) for need in scheme.needs} == {("attention", hook) for hook in hooks}


def test_every_hook_is_neutral_unless_overridden() -> None:
    scheme, at = NoPosition(), Coords.of(3)
    x, q, weights = torch.randn(1, 3, 4), torch.randn(1, 2, 3, 2), torch.rand(1, 2, 3, 3)
    assert scheme.embed(x, at) is x
    assert scheme.rotate(q, at, "query") is q
    assert scheme.bias(at.queries(), at.keys()) is None
    assert scheme.content_bias(q, q, at, at, None) is None
    assert scheme.content_value(weights, at, at) is None
