"""A learned vector for each position."""

from __future__ import annotations

from torch import Tensor

from blocks.coords import Coords
from blocks.linear import Table
from blocks.position.base import Position
from registry import part
from registry.types import NonNegativeInt, PositiveInt


@part(
    "position",
    "learned",
    paper="Gehring et al. 2017, arXiv 1705.03122, section 3.1; Devlin et al. 2018, arXiv 1810.04805",
)
class Learned(Position):
    """Adds a learned vector for each position to the embedded tokens.

    length: number of positions; a longer input is refused. offset: row of the first position (2 in RoBERTa and BART).
    width: of the vectors, where they join an embedding that is narrower than the model (ALBERT).
    Raises ValueError at a position beyond the table, and for an embedding of another width.
    """

    def __init__(
        self, dim: int, *, length: PositiveInt = 1024, offset: NonNegativeInt = 0, width: PositiveInt | None = None
    ) -> None:
        super().__init__()
        self.length, self.offset = length, offset
        self.table = Table(length + offset, width or dim, role="position")

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        if x.shape[-1] != (width := self.table.embedding_dim):
            raise ValueError(f"position 'learned' has vectors of {width}, the embedding of {x.shape[-1]}: set `width`")
        refuse_beyond("learned", "length", self.table.num_embeddings - self.offset, at)
        return x + self.table(at.pos + self.offset)


def refuse_beyond(kind: str, option: str, positions: int, at: Coords) -> None:
    """Raises ValueError when a token stands beyond the `positions` that a scheme has by its `option`."""
    if not at.pos.is_meta and at.pos.numel() and (longest := int(at.pos.max()) + 1) > positions:
        raise ValueError(f"position '{kind}' has {positions} positions, the input has {longest}: raise its `{option}`")
