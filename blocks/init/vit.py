"""ViT's initialisation."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.init.base import Init, Site
from blocks.linear import Role
from registry import part


@part("init", "vit", paper="Dosovitskiy et al. 2020 (ViT), arXiv 2010.11929 (authors' code: models_vit.py)")
class ViTInit(Init):
    """Xavier uniform; patches normal with std 1 / sqrt(inputs), cut at two standard deviations; positions 0.02.

    Class tokens and the head start at 0. The authors' biases in the feed-forward blocks are not quite 0 (std 1e-6).
    """

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        if role in ("embedding", "head"):
            nn.init.zeros_(weight)
        elif role == "position":
            nn.init.normal_(weight, std=0.02)
        elif role == "input":
            # a normal distribution cut there is narrower than before
            std = weight.shape[1] ** -0.5 / 0.87962566103423978
            nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)
        else:
            nn.init.xavier_uniform_(weight)
