"""A learned vector for each position."""

from __future__ import annotations

import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.linear import Table
from blocks.position.base import Position, Stretch
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
        self.length: int = length
        self.offset = offset
        self.table = Table(length + offset, width or dim, role="position")

    def embed(self, x: Tensor, at: Coords) -> Tensor:
        if x.shape[-1] != (width := self.table.embedding_dim):
            raise ValueError(f"position 'learned' has vectors of {width}, the embedding of {x.shape[-1]}: set `width`")
        refuse_beyond("learned", "length", self.table.num_embeddings - self.offset, at)
        return x + self.table(at.pos + self.offset)

    @torch.no_grad()
    def stretch(self, learned: Position, how: Stretch) -> None:
        """The learned vectors of n positions for N, those before the offset as they are.

        copy: again from the first on (Beltagy et al. 2020, arXiv 2004.05150, section 5). interpolate: position p is
        where p n / N was, between two vectors linearly and at the end the last one (as Chen et al. 2023,
        arXiv 2306.15595, equation 4, place rotary positions).
        """
        assert isinstance(learned, Learned)
        old, new = learned.table.weight, self.table.weight
        if how == "bicubic":
            raise ValueError("position 'learned' stands in a row, not in a grid: copy or interpolate it")
        if (learned.offset, old.shape[1]) != (self.offset, new.shape[1]):
            sizes = f"offset {learned.offset} and width {old.shape[1]}, here {self.offset} and {new.shape[1]}"
            raise ValueError(f"position 'learned' was learned with {sizes}")
        new[: self.offset] = old[: self.offset].to(new)
        vectors = old[self.offset :].to(new)
        place = torch.arange(self.length, device=new.device)
        if how == "copy":
            new[self.offset :] = vectors[place % learned.length]
            return
        ground = place.to(new.dtype) * learned.length / self.length
        before = ground.floor().long().clamp(max=learned.length - 1)
        after, share = (before + 1).clamp(max=learned.length - 1), (ground - before).unsqueeze(1)
        new[self.offset :] = (1 - share) * vectors[before] + share * vectors[after]


def refuse_beyond(kind: str, option: str, positions: int, at: Coords) -> None:
    """Raises ValueError when a token stands beyond the `positions` that a scheme has by its `option`."""
    if torch.compiler.is_exporting():
        # a graph cannot look at values; the table refuses such a token there
        return
    if not at.pos.is_meta and at.pos.numel() and (longest := int(at.pos.max()) + 1) > positions:
        raise ValueError(f"position '{kind}' has {positions} positions, the input has {longest}: raise its `{option}`")
