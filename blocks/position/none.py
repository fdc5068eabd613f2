"""No position scheme."""

from blocks.position.base import Position
from registry import part


@part("position", "none", paper="Kazemnejad et al. 2023, arXiv 2305.19466 (causal models learn order without it)")
class NoPosition(Position):
    """Says nothing about positions: a causal model can still tell order, a bidirectional one cannot."""
