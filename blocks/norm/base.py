"""The norm family: [... m] -> [... m]."""

from typing import ClassVar

from torch import Tensor, nn


class Norm(nn.Module):
    """Normalises each token's vector. x: [... m] -> [... m]."""

    family: ClassVar[str] = "norm"

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError
