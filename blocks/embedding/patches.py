"""Images cut into square patches."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from blocks.coords import Coords
from blocks.embedding.base import Embedded, Embedding, Marks, Place, sample
from blocks.embedding.grid import grid
from blocks.linear import Linear, Table
from blocks.norm import Norm
from registry import Build, build, part
from registry.types import NonNegativeInt, PositiveInt, Probability


@part("embedding", "patches", paper="Dosovitskiy et al. 2020 (ViT), arXiv 2010.11929, section 3.1 and equation 1")
class PatchEmbedding(Embedding):
    """Square patches of an image, each mapped to the model's width, row by row behind the class tokens.

    Inputs: float [b c H W] -> [b (k + h*w) m], where h = H / patch, w = W / patch and k counts the class tokens; then
    what the position scheme adds (to class tokens too), a norm where asked for, dropout. The map is that of a
    convolution with kernel and stride `patch`. marks.valid: bool [b H W], False on pixels that only fill up the image;
    they are read as zeros, and a patch is padding where all its pixels are. Patches know their row and column.
    channels: of the image. patch: its side in pixels. class_tokens: so many learned vectors stand in front: 1 in ViT, 2
    in DeiT with distillation. bias: of the map (not in CLIP). norm: norm of the sum (CLIP).

    Raises ValueError for an image that cannot be cut evenly.
    """

    provides = frozenset({"images"})

    def __init__(
        self,
        dim: int,
        *,
        channels: PositiveInt = 3,
        patch: PositiveInt = 16,
        class_tokens: NonNegativeInt = 1,
        bias: bool = True,
        norm: Build[Norm] | None = None,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.channels, self.patch = channels, patch
        self.projection = Linear(channels * patch**2, dim, role="input", bias=bias)
        self.class_tokens = Table(class_tokens, dim, role="embedding") if class_tokens else None
        self.norm = nn.Identity() if norm is None else build(norm, dim=dim)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        cuts = {"p": self.patch, "q": self.patch}
        if inputs.dim() != 4 or inputs.shape[1] != self.channels or any(s % self.patch for s in inputs.shape[2:]):
            wanted = f"[b {self.channels} H W] with sides that are multiples of {self.patch}"
            raise ValueError(f"an image is {wanted}, not a tensor of shape {list(inputs.shape)}")
        if marks.valid is None:
            real = torch.ones(1, *inputs.shape[2:], dtype=torch.bool, device=inputs.device)
        else:
            real = marks.valid
            inputs = inputs.masked_fill(~rearrange(real, "b H W -> b 1 H W"), 0.0)
        x = self.projection(rearrange(inputs, "b c (h p) (w q) -> b (h w) (c p q)", **cuts))
        if self.class_tokens is not None:
            x = torch.cat([repeat(self.class_tokens.weight, "k m -> b k m", b=x.shape[0]), x], dim=1)
        at = self._places(rearrange(real, "b (h p) (w q) -> b h w (p q)", **cuts).any(-1), marks)
        return Embedded(self.dropout(self.norm(place(x, at))), at)

    def example(self, batch: int, length: int) -> Tensor:
        side = math.ceil(length**0.5) * self.patch
        return sample(batch, self.channels, side, side)

    def _places(self, real: Tensor, marks: Marks) -> Coords:
        """Coordinates of the class tokens and the patches. real: bool [b|1 h w]."""
        device = real.device
        cells = grid(real, Marks(), device=device)
        number = torch.arange(0 if self.class_tokens is None else self.class_tokens.num_embeddings, device=device)
        valid = None if marks.valid is None else _behind(torch.ones_like(number, dtype=torch.bool), real.flatten(1))
        at = replace(marks, valid=valid).coordinates(len(number) + len(cells), device=device)
        none = torch.full_like(number, -1)
        outside = {"row": torch.zeros_like(number), "column": number, "height": none, "width": none}
        placed: dict[str, Any] = {name: _behind(first, getattr(cells, name)) for name, first in outside.items()}
        return replace(at, **placed)


def _behind(first: Tensor, rest: Tensor) -> Tensor:
    """first: [k], the same in each row of rest: [b n] -> [b k+n]."""
    return torch.cat([repeat(first, "k -> b k", b=len(rest)), rest], dim=1)
