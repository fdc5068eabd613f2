"""Linear maps and tables that know the role they play, so that initialisation goes by role and never by name."""

from __future__ import annotations

from typing import Literal, TypeAlias

from torch import nn

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
    """`nn.Embedding` with a role. ids: int [...] -> [... width]."""

    def __init__(self, rows: int, width: int, *, role: Role) -> None:
        super().__init__(rows, width)
        self.role: Role = role


RESIDUAL_OUT: frozenset[str] = frozenset({"attention_out", "ff_out"})
"""Roles of the maps that write into the residual stream."""
