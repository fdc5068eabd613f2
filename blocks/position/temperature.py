"""Louder queries at far positions."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from blocks.coords import Coords
from blocks.position.base import Position, Role
from registry import part
from registry.types import NonNegativeInt, PositiveFloat, PositiveInt


@part("position", "temperature", paper="Nakanishi 2025, arXiv 2501.19399 (the idea); Meta 2025 (Llama 4's code)")
class Temperature(Position):
    """Multiplies queries by 1 + growth * log(1 + floor((position + start) / length)).

    A softmax over more keys is flatter; the factor keeps it sharp in texts longer than `length`, below which it is 1.
    It says little about positions: give it beside another scheme, in `several`.
    growth: 0.1 in Llama 4 and Ministral 3. length: tokens after which the factor grows for the first time, and then
    again and again. start: number of the first position (1 in Llama 4, 0 in Ministral 3).
    """

    def __init__(self, *, length: PositiveInt = 8192, growth: PositiveFloat = 0.1, start: NonNegativeInt = 0) -> None:
        super().__init__()
        self.grows_every, self.growth, self.start = length, growth, start

    def rotate(self, t: Tensor, at: Coords, role: Role) -> Tensor:
        return t if role == "key" else t * at.once((self, t.dtype), lambda: self._factor(at, t.dtype))

    def _factor(self, at: Coords, dtype: torch.dtype) -> Tensor:
        """[b 1 n 1]"""
        exact = torch.promote_types(dtype, torch.float32)
        steps = ((at.pos + self.start) // self.grows_every).to(exact)
        return rearrange(1 + self.growth * torch.log1p(steps), "b n -> b 1 n 1").to(dtype)
