"""Linear maps and tables that know the role they play, so that initialisation goes by role and never by name."""

from __future__ import annotations

from typing import Literal, TypeAlias

from torch import Tensor, nn

Role: TypeAlias = Literal[
    "query",
    "key",
    "value",
    "gate",
    "attention_out",
    "ff_in",
    "ff_gate",
    "ff_out",
    "input",
    "embedding",
    "position",
    "head",
]


class Linear(nn.Linear):
    """`nn.Linear` with a role. x: [... inputs] -> [... outputs]."""

    def __init__(self, inputs: int, outputs: int, *, role: Role, bias: bool = True) -> None:
        super().__init__(inputs, outputs, bias=bias)
        self.role: Role = role


class Table(nn.Embedding):
    """`nn.Embedding` with a role. ids: int [...] -> [... width].

    Raises TypeError for numbers that are not whole, and IndexError for a row that is not there; on a GPU torch does.
    """

    def __init__(self, rows: int, width: int, *, role: Role) -> None:
        super().__init__(rows, width)
        self.role: Role = role

    def forward(self, ids: Tensor) -> Tensor:
        if ids.is_floating_point():
            raise TypeError(f"rows of a table are named by whole numbers, not by {ids.dtype}")
        try:
            return super().forward(ids)
        except IndexError:
            low, high = int(ids.min()), int(ids.max())
            found = high if high >= self.num_embeddings else low
            raise IndexError(f"there is no row {found} in a table of {self.num_embeddings} ({self.role})") from None


RESIDUAL_OUT: frozenset[str] = frozenset({"attention_out", "ff_out"})
"""Roles of the maps that write into the residual stream."""
