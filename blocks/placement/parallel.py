"""Sublayers side by side instead of one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from blocks.norm import Norm
from blocks.placement.base import Placement, Sublayer
from registry import Build, build, part


@dataclass(frozen=True)
class _Open:
    """x: [b n m], what entered the layer; normed: the same after the shared norm; total: x and the branches so far."""

    x: Tensor
    normed: Tensor | None
    total: Tensor


@part(
    "placement",
    "parallel",
    paper="Wang and Komatsuzaki 2021 (GPT-J-6B); Black et al. 2022 (GPT-NeoX), arXiv 2204.06745",
)
class Parallel(Placement):
    """All sublayers read the layer's input and their outputs are added: x + attention(norm(x)) + feedforward(norm(x)).

    norms: "shared" has one norm for all branches (GPT-J, PaLM), "separate" one for each (GPT-NeoX).
    """

    def __init__(
        self, dim: int, steps: int, norm: Build[Norm], *, norms: Literal["shared", "separate"] = "shared"
    ) -> None:
        super().__init__()
        self.shared = norms == "shared"
        self.norms = nn.ModuleList(build(norm, dim=dim) for _ in range(1 if self.shared else steps))

    def open(self, x: Tensor) -> _Open:
        return _Open(x, self.norms[0](x) if self.shared else None, x)

    def step(self, number: int, state: _Open, sublayer: Sublayer) -> _Open:
        normed = self.norms[number](state.x) if state.normed is None else state.normed
        return _Open(state.x, state.normed, state.total + sublayer(normed))

    def close(self, state: _Open) -> Tensor:
        return state.total
