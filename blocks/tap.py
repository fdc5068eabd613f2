"""A look inside a model: hidden states and attention weights, without changing what it computes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from blocks.attention import Attention
from blocks.coords import Coords
from blocks.depth import Stream


class Tap:
    """Given to `model.run(..., tap=tap)`, it holds afterwards what was asked for.

    hidden: by stream, the vectors [b n m] that enter the first layer, then those that leave each layer; the norm at the
    end of the stack is not among them. attention: by (stream, layer), weights [b h q k] of the self-attention.
    cross: by layer, weights of the decoder's attention to the encoder. Weights are exact for sparse kinds too, 0 where
    a key is invisible; kinds that have none leave no entry.
    """

    def __init__(self, *, attention: bool = True, hidden: bool = True) -> None:
        self.wants_attention, self.wants_hidden = attention, hidden
        self.hidden: dict[Stream, list[Tensor]] = {}
        self.attention: dict[tuple[Stream, int], Tensor] = {}
        self.cross: dict[int, Tensor] = {}

    def see(self, stream: Stream, x: Tensor) -> None:
        """Note the vectors between two layers."""
        if self.wants_hidden:
            self.hidden.setdefault(stream, []).append(x)

    def attend(self, stream: Stream, layer: int, attention: Attention, x: Tensor, at: Coords, **given: Any) -> None:
        """Note the weights of a self-attention that is called with these arguments."""
        if (weights := self._weights(attention, x, at, given)) is not None:
            self.attention[stream, layer] = weights

    def read(self, layer: int, attention: Attention, x: Tensor, at: Coords, **given: Any) -> None:
        """Note the weights of a cross-attention that is called with these arguments."""
        if (weights := self._weights(attention, x, at, given)) is not None:
            self.cross[layer] = weights

    def _weights(self, attention: Attention, x: Tensor, at: Coords, given: dict[str, Any]) -> Tensor | None:
        if not self.wants_attention or "weights" not in attention.provides:
            return None
        with torch.no_grad():
            return attention.weights(x, at, **given)
