"""What a model with a memory carries from one batch to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from pytorch_lightning.utilities import move_data_to_device
from torch import Tensor, nn

from blocks.attention import Attention
from blocks.attention.cache import Memory


class Carried:
    """The memories of a model between the segments of a text, one for each layer that has one.

    Each segment counts its tokens from 0; what is remembered stands before.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.has_memory = any("memory" in m.provides for m in model.modules() if isinstance(m, Attention))
        self._memories: Sequence[Memory | None] = ()
        self._saved: list[Any] = []

    def read(self, tokens: Tensor, continues: Tensor) -> Tensor:
        """Logits of a segment, which is then remembered.

        tokens: int [b n]. continues: bool [b], whether the rows go on where the first rows of the last segment ended;
        unless all do, nothing is remembered. Raises NotImplementedError if a kind beside those with a memory has no
        cache.
        """
        state: Any = self.model.new_state()  # type: ignore[operator]
        new = [cache.attention if isinstance(cache.attention, Memory) else None for cache in state.caches]
        kept = self._kept(new, tokens.device) if bool(continues.all()) else new
        self._saved = []
        rows = torch.arange(len(tokens), device=tokens.device)
        for number, (cache, memory) in enumerate(zip(state.caches, kept, strict=True)):
            if memory is None:
                # other kinds see the segment alone, with its gradient
                state.caches[number] = None
            else:
                cache.attention = memory.select(rows)
        logits: Tensor = self.model(tokens, state=state)
        self._memories = [None if cache is None else cache.attention for cache in state.caches]
        for memory in self._memories:
            if memory is not None:
                memory.count_from(tokens.shape[1])
        return logits

    def state_dict(self) -> list[Any]:
        """Tensors and plain data, one entry a layer."""
        return self._saved or [None if memory is None else memory.state_dict() for memory in self._memories]

    def load_state_dict(self, saved: list[Any]) -> None:
        self._saved = saved

    def _kept(self, new: Sequence[Memory | None], device: torch.device) -> Sequence[Memory | None]:
        """What was remembered, or saved; `new` where there is neither."""
        if self._saved:
            for memory, entry in zip(new, move_data_to_device(self._saved, device), strict=True):
                if memory is not None:
                    memory.load_state_dict(entry)
            return new
        return self._memories or new
