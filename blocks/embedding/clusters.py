"""How a vocabulary is cut into clusters of more and less frequent tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Clusters:
    """Ranges of tokens, the most frequent first, and the width of the vectors in each.

    bounds: first token of each cluster, then the size of the vocabulary. one_table: all clusters have one width, so one
    table holds them. mapped: vectors of these widths are not of the model's width as they are.
    """

    bounds: tuple[int, ...]
    widths: tuple[int, ...]
    one_table: bool
    mapped: bool

    @classmethod
    def of(cls, vocab: int, dim: int, cutoffs: Sequence[int] | None, div: int, width: int | None) -> Clusters:
        """Cluster i has vectors of (width or dim) / div^i.

        Raises ValueError for cut-offs that do not ascend within the vocabulary, and for clusters without a width.
        """
        bounds = (0, *(cutoffs or ()), vocab)
        if any(last <= first for first, last in pairwise(bounds)):
            raise ValueError(f"cutoffs {list(cutoffs or ())} do not ascend within a vocabulary of {vocab}")
        widths = tuple((width or dim) // div**i for i in range(len(bounds) - 1))
        if not widths[-1]:
            raise ValueError(f"a width of {width or dim} cannot be divided by {div} for each of {len(widths)} clusters")
        return cls(bounds, widths, one_table=div == 1, mapped=div > 1 or widths[0] != dim)

    def __len__(self) -> int:
        return len(self.widths)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(last - first for first, last in pairwise(self.bounds))

    @property
    def tables(self) -> tuple[tuple[int, int], ...]:
        """Rows and width of each table."""
        if self.one_table:
            return ((self.bounds[-1], self.widths[0]),)
        return tuple(zip(self.sizes, self.widths, strict=True))
