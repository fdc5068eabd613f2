"""T5's initialisation."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.init.base import Init, Site
from blocks.linear import Role
from registry import part


@part("init", "t5", paper="Raffel et al. 2019, arXiv 1910.10683 (authors' code: mesh_tensorflow)")
class T5Init(Init):
    """Normal with std 1 / sqrt(inputs); queries divided by sqrt(head_dim) too, in place of the missing score scale.

    Token embeddings have std 1, relative position biases 1 / sqrt(dim). Goes with `attention: {kind: full, scale:
    1.0}`.
    """

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        if role == "embedding":
            std = 1.0
        elif role == "position":
            std = site.dim**-0.5
        elif role == "query":
            std = (weight.shape[1] * site.head_dim) ** -0.5
        else:
            std = weight.shape[1] ** -0.5
        nn.init.normal_(weight, std=std)
