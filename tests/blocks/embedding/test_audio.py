from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from blocks.coords import Coords
from blocks.embedding import AudioEmbedding, Marks


def place(x: Tensor, at: Coords) -> Tensor:
    return x + at.pos.unsqueeze(-1)


def test_two_convolutions_each_with_its_activation_then_the_position() -> None:
    embedding = AudioEmbedding(8, bins=5).double()
    sound = torch.randn(2, 5, 12).double()
    found = embedding(sound, Marks(), place)
    assert len(found.at) == 6
    padded = functional.pad(sound, (1, 1))
    kernel = embedding.first.weight
    waves = torch.stack([torch.einsum("b c t, m c t -> b m", padded[..., t : t + 3], kernel) for t in range(12)], -1)
    waves = functional.pad(functional.gelu(waves + embedding.first.bias.unsqueeze(-1)), (1, 1))
    kernel = embedding.second.weight
    halved = [torch.einsum("b c t, m c t -> b m", waves[..., t : t + 3], kernel) for t in range(0, 12, 2)]
    right = functional.gelu(torch.stack(halved, 1) + embedding.second.bias)
    torch.testing.assert_close(found.x, right + torch.arange(6).view(1, 6, 1))


@pytest.mark.parametrize("frames", [6, 7])
def test_padding_is_silent(frames: int) -> None:
    embedding = AudioEmbedding(8, bins=5).double()
    sound = 1e3 * torch.randn(1, 5, 12).double()
    alone = embedding(sound[..., :frames], Marks(), place)
    valid = torch.arange(12).unsqueeze(0) < frames
    found = embedding(sound, Marks(valid=valid), place)
    assert found.at.valid is not None
    assert int(found.at.valid.sum()) == len(alone.at)
    torch.testing.assert_close(found.x[:, : len(alone.at)], alone.x)


@pytest.mark.parametrize("shape", [(1, 4, 12), (1, 5, 10), (5, 12)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"a spectrogram is \[b 5 12\], not a tensor of shape"):
        AudioEmbedding(8, bins=5, frames=12)(torch.zeros(shape), Marks(), place)


def test_a_factor_on_the_vectors_but_not_on_their_places() -> None:
    torch.manual_seed(0)
    plain = AudioEmbedding(8, bins=4).double()
    louder = AudioEmbedding(8, bins=4, scale=20.0).double()
    louder.load_state_dict(plain.state_dict())
    sound = torch.randn(2, 4, 10).double()
    once = plain(sound, Marks(), lambda x, at: x).x
    torch.testing.assert_close(louder(sound, Marks(), lambda x, at: x + 1.0).x, 20.0 * once + 1.0)
