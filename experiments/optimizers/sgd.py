"""Stochastic gradient descent."""

from __future__ import annotations

import torch
from torch import nn

from experiments.optimizers.base import Optimizer, can_fuse, decay_groups, layer_groups
from registry import part
from registry.types import Fraction, NonNegativeFloat, PositiveFloat, Probability


@part("optimizer", "sgd")
class SGD(Optimizer):
    """Gradient descent with momentum, and weight decay on matrices only.

    layer_decay: as in `adam`.
    """

    def __init__(
        self,
        *,
        lr: PositiveFloat = 0.1,
        momentum: Probability = 0.9,
        nesterov: bool = False,
        weight_decay: NonNegativeFloat = 0.0,
        layer_decay: Fraction = 1.0,
    ) -> None:
        if nesterov and momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")
        self.lr = lr
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.layer_decay = layer_decay

    def build(self, module: nn.Module, *, mixed: bool = False) -> torch.optim.SGD:
        return torch.optim.SGD(
            layer_groups(module, decay_groups(module, self.weight_decay), self.lr, self.layer_decay),
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            fused=can_fuse(module, mixed),
        )
