"""The tensors that make up a model: each once, however many places share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def owned(model: nn.Module) -> dict[str, Tensor]:
    """What a model saves, by the first name of each tensor: parameters themselves, and buffers that are kept."""
    found: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        found.setdefault(id(tensor), (name, tensor))
    return dict(found.values())
