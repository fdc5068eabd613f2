"""The head family: from the last hidden states to what the task wants."""

from typing import ClassVar

from torch import Tensor, nn

from blocks.coords import Coords


class Head(nn.Module):
    """hidden: [b n m] -> logits; provides: what the logits are of, "tokens" or "classes"."""

    family: ClassVar[str] = "head"
    provides: ClassVar[frozenset[str]] = frozenset()

    def forward(self, hidden: Tensor, at: Coords, table: Tensor) -> Tensor:
        """`table` [v m] is the embedding's, for heads that share it."""
        raise NotImplementedError
