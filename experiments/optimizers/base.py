"""What every optimizer promises, and how parameters are split for weight decay."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from blocks.embedding import Embedding
from blocks.stack import Stack


class Optimizer(ABC):
    """The options of a torch optimizer, waiting for a model."""

    family: ClassVar[str] = "optimizer"
    lr: float

    @abstractmethod
    def build(self, module: nn.Module, *, mixed: bool = False) -> torch.optim.Optimizer:
        """The optimizer of a module's trainable parameters.

        mixed: training is in mixed precision, where Lightning clips no gradients of fused steps.
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


SHARE = "layer_share"
"""Where a group keeps which share of the learning rate its layers get."""


def layer_groups(
    module: nn.Module, groups: Sequence[Mapping[str, Any]], lr: float, layer_decay: float
) -> list[dict[str, Any]]:
    """Groups of parameters, each split by depth: what is d layers below the top learns at lr * layer_decay^d.

    The head and the norm before it learn at lr, the top layer at lr * layer_decay, and so on down; the embedding, and
    positions that are added to it, are one layer below the lowest (Clark et al. 2020 (ELECTRA), arXiv 2003.10555,
    appendix A; counted as in BEiT's code, Bao et al. 2021, arXiv 2106.08254). The two stacks of an encoder_decoder each
    count from their own top. A layer that is used again counts where it is used first. Nothing is split for a decay of
    1. Schedules multiply the rate of each group.
    """
    if layer_decay == 1.0:
        return [dict(group) for group in groups]
    below = depths(module)
    found = []
    for depth in sorted(set(below.values())):
        share = layer_decay**depth
        for group in groups:
            params = [p for p in group["params"] if below[p] == depth]
            if params:
                found.append({**group, "params": params, "lr": lr * share, SHARE: share})
    return found


def depths(module: nn.Module) -> dict[nn.Parameter, int]:
    """How many layers each parameter stands below the top of its stack; 0 for what is in none."""
    stacks = [m for m in module.modules() if isinstance(m, Stack)]
    lowest = 1 + max((len(stack.layers) for stack in stacks), default=0)
    found: dict[nn.Parameter, int] = {}

    def note(part: nn.Module, depth: int) -> None:
        for parameter in part.parameters():
            found.setdefault(parameter, depth)

    for embedding in (m for m in module.modules() if isinstance(m, Embedding)):
        note(embedding, lowest)
    for stack in stacks:
        for number, layer in enumerate(stack.layers):
            note(layer, len(stack.layers) - number)
        for position in stack.positions:
            # what acts inside the layers belongs to no single one
            note(position, lowest if position.acts("embed") else 0)
    note(module, 0)
    return found


def learning_rate(optimizer: torch.optim.Optimizer) -> float:
    """The rate of the moment at the top of the model, whichever layers are trained."""
    group = optimizer.param_groups[0]
    return float(group["lr"] / group.get(SHARE, 1.0))


def can_fuse(module: nn.Module, mixed: bool) -> bool:
    """Whether torch has a fused step for all these parameters."""
    ready = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in module.parameters())
    return ready and not mixed
