"""Spectrograms through two convolutions."""

from __future__ import annotations

from einops import rearrange
from torch import Tensor, nn

from blocks.activations import ACTIVATIONS, Activation
from blocks.embedding.base import Embedded, Embedding, Marks, Place, sample
from registry import part
from registry.types import PositiveFloat, PositiveInt, Probability


@part("embedding", "audio", paper="Radford et al. 2022 (Whisper), arXiv 2212.04356, section 2.2")
class AudioEmbedding(Embedding):
    """A (log-mel) spectrogram through two convolutions over three frames each, the second with stride 2.

    Inputs: [b bins frames] -> so many vectors as half the frames; marks.valid: bool [b frames]. The activation follows
    both convolutions; then what the position scheme adds, and dropout. bins: bands of the spectrogram.
    frames: the number of frames that every input must have (3000 in Whisper, 30 seconds), any unless given.
    scale: a factor on the vectors, which begin small beside sinusoids, so that a short training hears little without.
    Raises ValueError for inputs of another shape.
    """

    provides = frozenset({"audio"})

    def __init__(
        self,
        dim: int,
        *,
        bins: PositiveInt = 80,
        frames: PositiveInt | None = None,
        scale: PositiveFloat = 1.0,
        activation: Activation = "gelu",
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        self.bins, self.frames, self.scale = bins, frames, scale
        self.activation = ACTIVATIONS[activation]
        self.first = nn.Conv1d(bins, dim, 3, padding=1)
        self.second = nn.Conv1d(dim, dim, 3, stride=2, padding=1)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, inputs: Tensor, marks: Marks, place: Place) -> Embedded:
        if inputs.dim() != 3 or inputs.shape[1] != self.bins or self.frames not in (None, inputs.shape[2]):
            wanted = f"[b {self.bins} {self.frames or 'frames'}]"
            raise ValueError(f"a spectrogram is {wanted}, not a tensor of shape {list(inputs.shape)}")
        heard = None if marks.valid is None else rearrange(marks.valid, "b n -> b 1 n")
        waves = self.activation(self.first(_silenced(inputs, heard)))
        x = rearrange(self.activation(self.second(_silenced(waves, heard))), "b m n -> b n m")
        x = x if self.scale == 1.0 else x * self.scale
        # the second convolution is centred on every other frame
        halved = Marks(valid=None if marks.valid is None else marks.valid[:, ::2])
        at = halved.coordinates(x.shape[1], device=x.device)
        return Embedded(self.dropout(place(x, at)), at)

    def example(self, batch: int, length: int) -> Tensor:
        return sample(batch, self.bins, self.frames or 2 * length)


def _silenced(waves: Tensor, heard: Tensor | None) -> Tensor:
    """Zero where there is padding, as beyond the ends: what stands there must not reach the frames beside it."""
    return waves if heard is None else waves.masked_fill(~heard, 0.0)
