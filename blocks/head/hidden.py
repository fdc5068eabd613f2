"""The hidden states themselves."""

from __future__ import annotations

from torch import Tensor

from blocks.activations import Activation
from blocks.coords import Coords
from blocks.embedding import Embedding
from blocks.head.base import Head
from blocks.head.pooling import Pooler, pool
from registry import part


@part("head", "hidden", paper="Devlin et al. 2018, arXiv 1810.04805, section 5.3 (BERT as a source of features)")
class HiddenHead(Head):
    """The hidden states as they are, [b n m] -> [b n m]: a model without a task, as body-only checkpoints are.

    pooler: a map of the first token's vector with this activation (tanh in BERT); beside the hidden states there is
    then "pooled" [b m].
    """

    provides = frozenset({"vectors"})

    def __init__(self, dim: int, *, pooler: Activation | None = None) -> None:
        super().__init__()
        self.pooler = None if pooler is None else Pooler(dim, pooler)

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        return hidden

    def beside(self, hidden: Tensor, at: Coords, embedding: Embedding) -> dict[str, Tensor]:
        return {} if self.pooler is None else {"pooled": self.pooler(pool(hidden, at, "first"))}
