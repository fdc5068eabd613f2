"""Log-probabilities of the vocabulary by clusters of more and less frequent tokens."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import AdaptiveEmbedding, Embedding
from blocks.embedding.base import required
from blocks.embedding.clusters import Clusters
from blocks.head.base import Head
from blocks.linear import Linear
from registry import Build, Need, part
from registry.types import PositiveInt


@part("head", "adaptive_softmax", paper="Grave et al. 2016, arXiv 1609.04309, section 4")
class AdaptiveSoftmaxHead(Head):
    """Log-probabilities of the vocabulary, [b n m] -> [b n v], by a softmax of two levels.

    The first is over the tokens of the first cluster and one entry for each other cluster; a token of these has its
    cluster's log-probability plus its own among the cluster's tokens. Hidden states are mapped to a cluster's width,
    where it is not the model's. Log-probabilities are logits as they are: a softmax over them changes nothing.
    Raises ValueError in a call with an embedding that is cut otherwise.

    cutoffs, div, width: as of the embedding `adaptive`. tied: use the embedding's tables, otherwise tables of its own.
    tied_maps: whether the embedding's maps, transposed, serve here too: those of all clusters but the first (authors on
    WikiText-103), of all, or of none.
    """

    provides = frozenset({"tokens"})
    needs = (Need("embedding", "clusters", "it shares the embedding's tables, cluster by cluster", {"tied": True}),)
    example_embedding: ClassVar[Build[Embedding]] = partial(AdaptiveEmbedding, cutoffs=[4, 7], div=2)

    def __init__(
        self,
        dim: int,
        vocab: int | None,
        *,
        cutoffs: list[PositiveInt] | None = None,
        div: PositiveInt = 1,
        width: PositiveInt | None = None,
        tied: bool = True,
        tied_maps: Literal["tail", "all", "none"] = "tail",
    ) -> None:
        super().__init__()
        self.clusters = cut = Clusters.of(required(vocab), dim, cutoffs, div, width)
        self.tied = tied
        own = len(cut) if not tied or tied_maps == "none" else int(tied_maps == "tail")
        own_maps = [Linear(dim, width, role="head", bias=False) for width in cut.widths[:own]]
        own_tables = [Linear(width, rows, role="head", bias=False) for rows, width in cut.tables]
        self.maps = nn.ModuleList(own_maps if cut.mapped else [])
        self.tables = nn.ModuleList([] if tied else own_tables)
        self.entries = Linear(cut.widths[0], len(cut) - 1, role="head") if len(cut) > 1 else None
        self.biases = nn.ParameterList([torch.zeros(rows) for rows, _ in cut.tables])

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        shared = embedding if isinstance(embedding, AdaptiveEmbedding) else None
        if self.tied and (shared is None or shared.clusters != self.clusters):
            raise ValueError("a tied head 'adaptive_softmax' needs the embedding 'adaptive' with the same clusters")
        logits = self._logits(0, hidden, shared)
        if self.entries is None:
            return logits.log_softmax(-1)
        entries = self.entries(self._narrow(0, hidden, shared))
        logs = torch.cat([logits, entries], dim=-1).log_softmax(-1)
        frequent, inside = logs[..., : logits.shape[-1]], logs[..., logits.shape[-1] :]
        rare = [
            self._logits(i, hidden, shared).log_softmax(-1) + inside[..., i - 1 : i]
            for i in range(1, len(self.clusters))
        ]
        return torch.cat([frequent, *rare], dim=-1)

    def _logits(self, cluster: int, hidden: Tensor, shared: AdaptiveEmbedding | None) -> Tensor:
        """Of the tokens of a cluster, [b n m] -> [b n v]."""
        first, last = self.clusters.bounds[cluster : cluster + 2]
        if self.clusters.one_table:
            table, bias = self._table(0, shared)[first:last], self.biases[0][first:last]
        else:
            table, bias = self._table(cluster, shared), self.biases[cluster]
        return functional.linear(self._narrow(cluster, hidden, shared), table, bias)

    def _table(self, number: int, shared: AdaptiveEmbedding | None) -> Tensor:
        """[v w]"""
        if self.tied and shared is not None:
            return shared.table(number)
        return cast(Linear, self.tables[number]).weight

    def _narrow(self, cluster: int, hidden: Tensor, shared: AdaptiveEmbedding | None) -> Tensor:
        """Hidden states in the width of a cluster. [b n m] -> [b n w]."""
        if not self.clusters.mapped:
            return hidden
        if cluster < len(self.maps):
            return self.maps[cluster](hidden)
        assert shared is not None
        return hidden @ shared.map(0 if self.clusters.one_table else cluster)
