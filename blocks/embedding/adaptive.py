"""Learned vectors that are narrower for rarer tokens."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from blocks.embedding.base import Embedded, Embedding, Marks, Place, required
from blocks.embedding.clusters import Clusters
from blocks.linear import Linear, Table
from registry import part
from registry.types import PositiveFloat, PositiveInt, Probability


@part("embedding", "adaptive", paper="Baevski and Auli 2018, arXiv 1809.10853, section 3")
class AdaptiveEmbedding(Embedding):
    """Learned vectors, narrower for rarer tokens, mapped to the model's width; then positions and dropout.

    Inputs: int [b n], tokens numbered by falling frequency. Cluster i has vectors of width / div^i and its own map.
    Raises ValueError for cut-offs that do not ascend within the vocabulary.

    cutoffs: first token of each cluster but the first; none: one cluster. div: how much narrower each cluster is than
    the one before; with 1 one table serves all, mapped only if its width is not the model's. width: of the first
    cluster's vectors, dim unless given. scale: a factor on the mapped vectors, true for sqrt(dim).
    """

    provides = frozenset({"tokens", "clusters"})

    def __init__(
        self,
        dim: int,
        vocab: int | None,
        *,
        cutoffs: list[PositiveInt] | None = None,
        div: PositiveInt = 1,
        width: PositiveInt | None = None,
        scale: bool | PositiveFloat = True,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.clusters = Clusters.of(required(vocab), dim, cutoffs, div, width)
        tables = [Table(rows, width, role="embedding") for rows, width in self.clusters.tables]
        maps = [Linear(table.embedding_dim, dim, role="embedding", bias=False) for table in tables]
        self.tables = nn.ModuleList(tables)
        self.maps = nn.ModuleList(maps if self.clusters.mapped else [])
        self.scale = math.sqrt(dim) if scale is True else float(scale or 1.0)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    @property
    def weight(self) -> Tensor | None:
        return self.table(0) if self.clusters.one_table else None

    def table(self, number: int) -> Tensor:
        """The vectors of one table, [v w]."""
        return cast(Table, self.tables[number]).weight

    def map(self, number: int) -> Tensor:
        """What maps the vectors of one table to the model's width, [m w]."""
        return cast(Linear, self.maps[number]).weight

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        at = marks.coordinates(inputs.shape[1], device=inputs.device)
        x = self._look_up(inputs)
        x = x if self.scale == 1.0 else x * self.scale
        return Embedded(self.dropout(place(x, at)), at)

    def _look_up(self, ids: Tensor) -> Tensor:
        """[b n] -> [b n m]."""
        if self.clusters.one_table:
            x = self.tables[0](ids)
            return self.maps[0](x) if self.clusters.mapped else x
        found: Tensor | None = None
        for i, (table, widen) in enumerate(zip(self.tables, self.maps, strict=True)):
            row = ids - self.clusters.bounds[i]
            # every cluster looks up every token, since picking its own would make shapes depend on the text
            x = widen(table(row.clamp(0, self.clusters.sizes[i] - 1)))
            found = x if found is None else torch.where((row >= 0).unsqueeze(-1), x, found)
        assert found is not None
        return found

    def example(self, batch: int, length: int) -> Tensor:
        return torch.arange(batch * length).reshape(batch, length) % self.clusters.bounds[-1]
