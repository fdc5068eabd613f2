"""DeepNorm: post-norm with an up-weighted residual, for very deep stacks."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from blocks.depth import Stream, coefficients
from blocks.init import DeepNormInit, Init
from blocks.norm import Norm
from blocks.placement.base import Placement, Sublayer
from blocks.placement.residual import Residual
from registry import Build, part


@part("placement", "deepnorm", paper="Wang et al. 2022, arXiv 2203.00555, section 4 and figure 2")
class DeepNorm(Placement):
    """norm(alpha * x + f(x)), alpha from the depths of both stacks; its initialisation is half of the method."""

    final_norm = False
    own_init: ClassVar[Build[Init] | None] = DeepNormInit

    def __init__(
        self,
        dim: int,
        steps: int,
        norm: Build[Norm],
        stream: Stream = "encoder",
        encoder_layers: int = 0,
        decoder_layers: int = 0,
    ) -> None:
        super().__init__()
        self.alpha, _ = coefficients(stream, encoder_layers, decoder_layers)
        self.residual = Residual(dim, steps, norm, out_norm=True, skip=self.alpha)

    def step(self, number: int, state: Tensor, sublayer: Sublayer) -> Tensor:
        return self.residual.step(number, state, sublayer)
