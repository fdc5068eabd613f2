"""Series of numbers."""

from __future__ import annotations

from dataclasses import replace

import torch
from einops import rearrange
from torch import Tensor, nn

from blocks.embedding.base import Embedded, Embedding, Marks, Place, sample
from blocks.linear import Linear, Table
from blocks.norm import Norm
from registry import Build, build, part
from registry.types import NonNegativeInt, PositiveInt, Probability


@part("embedding", "series", paper="Nie et al. 2022 (PatchTST), arXiv 2211.14730, section 3.1 (patches of time steps)")
class SeriesEmbedding(Embedding):
    """Numbers measured at one time step after the other, one vector for each step or for each patch of steps.

    Inputs: float [b n channels] -> [b n/patch m] by a linear map, then what the position scheme adds, a norm where
    asked for, dropout. marks.valid: bool [b n], False on steps that were not measured; they are read as zeros, and a
    patch is padding where all its steps are. channels: numbers at each step. patch: steps that become one vector.
    types: so many kinds of series, each with a learned vector that is added to all vectors of a row of that kind, as
    marks.types, int [b n], says at the first step of each patch; 0 for none (STID: Shao et al. 2022, arXiv 2208.05233,
    section 3.2, spatial identity). norm: norm of the sum.

    Raises ValueError for a series that cannot be cut evenly, and for kinds where there are none.
    """

    provides = frozenset({"series"})

    def __init__(
        self,
        dim: int,
        *,
        channels: PositiveInt = 1,
        patch: PositiveInt = 1,
        types: NonNegativeInt = 0,
        norm: Build[Norm] | None = None,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.channels, self.patch = channels, patch
        self.projection = Linear(channels * patch, dim, role="input")
        self.types = Table(types, dim, role="embedding") if types else None
        self.norm = nn.Identity() if norm is None else build(norm, dim=dim)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        if inputs.dim() != 3 or inputs.shape[2] != self.channels or inputs.shape[1] % self.patch:
            wanted = f"[b n {self.channels}] with n a multiple of {self.patch}"
            raise ValueError(f"a series is {wanted}, not a tensor of shape {list(inputs.shape)}")
        valid = marks.valid
        if valid is not None:
            inputs = inputs.masked_fill(~rearrange(valid, "b n -> b n 1"), 0.0)
            valid = rearrange(valid, "b (n p) -> b n p", p=self.patch).any(-1)
        x = self.projection(rearrange(inputs, "b (n p) c -> b n (p c)", p=self.patch))
        if self.types is not None:
            first = (
                torch.zeros_like(x[..., 0], dtype=torch.long) if marks.types is None else marks.types[:, :: self.patch]
            )
            x = x + self.types(first)
        elif marks.types is not None:
            raise ValueError("this model does not tell kinds of series apart: set model.embedding.types")
        at = replace(marks, valid=valid).coordinates(x.shape[1], device=x.device)
        return Embedded(self.dropout(self.norm(place(x, at))), at)

    def example(self, batch: int, length: int) -> Tensor:
        return sample(batch, length * self.patch, self.channels)
