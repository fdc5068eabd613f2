"""Adam without weight decay."""

from __future__ import annotations

import torch
from torch import nn

from experiments.optimizers.base import Optimizer, can_fuse, layer_groups
from registry import part
from registry.types import Fraction, PositiveFloat, Probability


@part("optimizer", "adam", paper="Kingma & Ba 2015, arXiv 1412.6980")
class Adam(Optimizer):
    """Adam, by default with the constants of the first Transformer (Vaswani et al. 2017, section 5.3).

    layer_decay: each layer learns so much more slowly than the one above it, for fine-tuning (ELECTRA, BEiT: 0.65 to
    0.95); the head at lr, the embedding at the lowest rate.
    """

    def __init__(
        self,
        *,
        lr: PositiveFloat = 1e-3,
        beta1: Probability = 0.9,
        beta2: Probability = 0.98,
        eps: PositiveFloat = 1e-9,
        layer_decay: Fraction = 1.0,
    ) -> None:
        self.lr = lr
        self.betas = (beta1, beta2)
        self.eps = eps
        self.layer_decay = layer_decay

    def build(self, module: nn.Module, *, mixed: bool = False) -> torch.optim.Adam:
        trainable = [p for p in module.parameters() if p.requires_grad]
        groups = layer_groups(module, [{"params": trainable}], self.lr, self.layer_decay)
        return torch.optim.Adam(groups, lr=self.lr, betas=self.betas, eps=self.eps, fused=can_fuse(module, mixed))
