"""DeepNorm's initialisation."""

from __future__ import annotations

from torch import Tensor, nn

from blocks.depth import coefficients
from blocks.init.base import Init, Site, is_table
from blocks.linear import Role
from registry import part


@part("init", "deepnorm", paper="Wang et al. 2022, arXiv 2203.00555, figure 2")
class DeepNormInit(Init):
    """Xavier normal; gain beta, from the depths of both stacks, on feed-forward, value and output maps, 1 elsewhere."""

    def fill(self, weight: Tensor, role: Role, site: Site) -> None:
        if is_table(role):
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
            return
        _, beta = coefficients(site.stream, site.encoder_layers, site.decoder_layers)
        nn.init.xavier_normal_(weight, gain=1.0 if role in ("query", "key", "gate", "input", "head") else beta)
