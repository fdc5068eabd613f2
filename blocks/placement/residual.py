"""The placements that are one equation: out_norm(skip * x + branch * branch_norm(f(in_norm(x))))."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.norm import Norm
from blocks.placement.base import Placement, Sublayer
from registry import Build, build, preset
from registry.types import NonNegativeInt, PositiveFloat


class Residual(Placement):
    """out_norm(skip * x + branch * branch_norm(f(in_norm(x)))), with each norm there or not.

    branch: weight of what a sublayer adds (Granite). bare: sublayers of the layer, by number from 0, that read the
    stream without a norm before them (the attention of ModernBERT's first layer, which follows the embedding's norm).
    """

    def __init__(
        self,
        dim: int,
        steps: int,
        norm: Build[Norm],
        *,
        in_norm: bool = False,
        branch_norm: bool = False,
        out_norm: bool = False,
        skip: PositiveFloat = 1.0,
        branch: PositiveFloat = 1.0,
        bare: list[NonNegativeInt] | None = None,
    ) -> None:
        super().__init__()
        self.skip, self.branch = skip, branch
        self.in_norms = _norms(dim, steps, norm, in_norm)
        if in_norm:
            for number in bare or []:
                self.in_norms[number] = nn.Identity()
        self.branch_norms = _norms(dim, steps, norm, branch_norm)
        self.out_norms = _norms(dim, steps, norm, out_norm)
        self.final_norm = not out_norm

    def step(self, number: int, state: Tensor, sublayer: Sublayer) -> Tensor:
        added = _normed(self.branch_norms, number, sublayer(_normed(self.in_norms, number, state)))
        stream = _weighed(self.skip, state) + _weighed(self.branch, added)
        return _normed(self.out_norms, number, stream)


def _norms(dim: int, steps: int, norm: Build[Norm], present: bool) -> nn.ModuleList:
    return nn.ModuleList(build(norm, dim=dim) for _ in range(steps if present else 0))


def _normed(norms: nn.ModuleList, number: int, x: Tensor) -> Tensor:
    return norms[number](x) if norms else x


def _weighed(weight: float, x: Tensor) -> Tensor:
    return x if weight == 1.0 else weight * x


preset(
    "placement",
    "pre",
    Residual,
    "Norm before each sublayer, inside the branch: x + f(norm(x)); a norm ends the stack.",
    paper="Radford et al. 2019 (GPT-2), section 2.3; Xiong et al. 2020, arXiv 2002.04745",
    in_norm=True,
    branch_norm=False,
    out_norm=False,
    skip=1.0,
)
preset(
    "placement",
    "post",
    Residual,
    "Norm after each addition: norm(x + f(x)); no norm at the end of the stack.",
    paper="Vaswani et al. 2017, arXiv 1706.03762, section 3.1",
    in_norm=False,
    branch_norm=False,
    out_norm=True,
    skip=1.0,
)
preset(
    "placement",
    "sandwich",
    Residual,
    "Norm before and after each sublayer, both inside the branch: x + norm(f(norm(x))); also called peri-norm.",
    paper="Ding et al. 2021 (CogView), arXiv 2105.13290, section 2.4",
    in_norm=True,
    branch_norm=True,
    out_norm=False,
    skip=1.0,
)
preset(
    "placement",
    "reordered",
    Residual,
    "Norm after each sublayer, inside the branch: x + norm(f(x)); not the same as post.",
    paper="Liu et al. 2022 (Swin v2), arXiv 2111.09883, section 3.2; OLMo 2, arXiv 2501.00656",
    in_norm=False,
    branch_norm=True,
    out_norm=False,
    skip=1.0,
)
