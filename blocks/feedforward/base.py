"""The feed-forward family: what each token does on its own."""

from typing import ClassVar

from torch import Tensor, nn


class FeedForward(nn.Module):
    """x: [b n m] -> [b n m], each token by itself."""

    family: ClassVar[str] = "feedforward"

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError
