"""Where the cells of an image stand."""

from __future__ import annotations

from dataclasses import replace

import torch
from einops import rearrange
from torch import Tensor

from blocks.coords import Coords
from blocks.embedding.base import Marks


def grid(valid: Tensor, marks: Marks, *, device: torch.device) -> Coords:
    """Coordinates of the cells of a map, row by row. valid: bool [b|1 h w]."""
    rows, columns = valid.long().cumsum(1), valid.long().cumsum(2)
    flat = rearrange(valid, "b h w -> b (h w)")
    at = replace(marks, valid=None if marks.valid is None else flat).coordinates(flat.shape[1], device=device)
    return replace(
        at,
        row=rearrange(rows - 1, "b h w -> b (h w)"),
        column=rearrange(columns - 1, "b h w -> b (h w)"),
        height=rearrange(rows[:, -1:].expand_as(rows), "b h w -> b (h w)"),
        width=rearrange(columns[:, :, -1:].expand_as(columns), "b h w -> b (h w)"),
    )
