"""What every optimizer promises, and how parameters are split for weight decay."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import nn


class Optimizer(ABC):
    """The options of a torch optimizer, waiting for a model."""

    family: ClassVar[str] = "optimizer"
    lr: float

    @abstractmethod
    def build(self, module: nn.Module, *, scaled: bool = False) -> torch.optim.Optimizer:
        """The optimizer of a module's trainable parameters.

        scaled: gradients will be scaled (16-bit training), which rules out fused steps.
        """


def decay_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices (two axes or more) decay; biases, norm weights and other vectors and scalars do not.

    Shared parameters count once; frozen ones are left out; an empty group too.
    """
    trainable = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def can_fuse(module: nn.Module, scaled: bool) -> bool:
    """Whether torch has a fused step for all these parameters."""
    ready = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in module.parameters())
    return ready and not scaled
