"""Positions in cross-attention: each stream marks its own tokens."""

from __future__ import annotations

from torch import Tensor

from blocks.coords import Coords
from blocks.position.base import Position, Role


class Between(Position):
    """The schemes of two streams, of which one reads the other. Distances between streams mean nothing, marks do."""

    def __init__(self, query: Position, key: Position) -> None:
        super().__init__()
        # a tuple: the schemes belong to their stacks
        self.sides = query, key

    def mark(self, x: Tensor, at: Coords, role: Role) -> Tensor:
        query, key = self.sides
        return (query if role == "query" else key).mark(x, at, role)


def between(query: Position, key: Position | None) -> Position | None:
    """What two streams have between them, None where neither marks its tokens."""
    if key is None or not ("mark" in query.hooks or "mark" in key.hooks):
        return None
    return Between(query, key)
