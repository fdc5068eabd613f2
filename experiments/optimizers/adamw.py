"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

import torch
from torch import nn

from experiments.optimizers.base import Optimizer, can_fuse, decay_groups, layer_groups
from registry import part
from registry.types import Fraction, NonNegativeFloat, PositiveFloat, Probability


@part("optimizer", "adamw", paper="Loshchilov & Hutter 2019, arXiv 1711.05101")
class AdamW(Optimizer):
    """Adam with decoupled weight decay on matrices only; one fused step where torch has it.

    layer_decay: as in `adam`.
    """

    def __init__(
        self,
        *,
        lr: PositiveFloat = 1e-3,
        beta1: Probability = 0.9,
        beta2: Probability = 0.95,
        eps: PositiveFloat = 1e-8,
        weight_decay: NonNegativeFloat = 0.1,
        layer_decay: Fraction = 1.0,
    ) -> None:
        self.lr = lr
        self.betas = (beta1, beta2)
        self.eps = eps
        self.weight_decay = weight_decay
        self.layer_decay = layer_decay

    def build(self, module: nn.Module, *, mixed: bool = False) -> torch.optim.AdamW:
        groups = layer_groups(module, decay_groups(module, self.weight_decay), self.lr, self.layer_decay)
        return torch.optim.AdamW(groups, lr=self.lr, betas=self.betas, eps=self.eps, fused=can_fuse(module, mixed))
