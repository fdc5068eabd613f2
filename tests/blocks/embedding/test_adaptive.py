"""Adaptive input embeddings: every token from its own cluster, in the model's width."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.embedding import AdaptiveEmbedding, Marks
from blocks.embedding.clusters import Clusters

IDS = torch.tensor([[0, 3, 4, 6], [7, 10, 4, 0]])


def nothing(x: Tensor, at: Coords) -> Tensor:
    return x


def test_narrower_vectors_of_rarer_tokens() -> None:
    embedding = AdaptiveEmbedding(16, 11, cutoffs=[4, 7], div=2)
    shapes = {name: list(p.shape) for name, p in embedding.named_parameters()}
    assert shapes == {
        "tables.0.weight": [4, 16],
        "tables.1.weight": [3, 8],
        "tables.2.weight": [4, 4],
        "maps.0.weight": [16, 16],
        "maps.1.weight": [16, 8],
        "maps.2.weight": [16, 4],
    }
    out = embedding(IDS, Marks(), nothing).x
    for row in range(2):
        for n in range(4):
            token = int(IDS[row, n])
            cluster = 0 if token < 4 else 1 if token < 7 else 2
            vector = embedding.table(cluster)[token - (0, 4, 7)[cluster]]
            torch.testing.assert_close(out[row, n], embedding.map(cluster) @ vector * math.sqrt(16))
    assert embedding.weight is None


def test_only_the_tokens_of_the_text_learn() -> None:
    embedding = AdaptiveEmbedding(16, 11, cutoffs=[4, 7], div=2)
    embedding(torch.tensor([[1, 5, 5]]), Marks(), nothing).x.square().sum().backward()
    learned = [embedding.table(i).grad.abs().sum(1) > 0 for i in range(3)]  # type: ignore[union-attr]
    assert torch.cat(learned).nonzero().flatten().tolist() == [1, 5]


@pytest.mark.parametrize(("width", "maps"), [(None, 0), (16, 0), (6, 1)])
def test_one_width_is_one_table(width: int | None, maps: int) -> None:
    embedding = AdaptiveEmbedding(16, 11, cutoffs=[4, 7], width=width, scale=False)
    assert (len(embedding.tables), len(embedding.maps)) == (1, maps)
    assert embedding.weight is embedding.table(0)
    x = embedding.table(0)[IDS]
    torch.testing.assert_close(embedding(IDS, Marks(), nothing).x, x @ embedding.map(0).T if maps else x)


def test_scale() -> None:
    plain, doubled = (AdaptiveEmbedding(16, 11, scale=scale) for scale in (False, 2.0))
    doubled.load_state_dict(plain.state_dict())
    torch.testing.assert_close(doubled(IDS, Marks(), nothing).x, 2 * plain(IDS, Marks(), nothing).x)


@pytest.mark.parametrize("cutoffs", [[0, 4], [4, 4], [7, 4], [11], [4, 20]])
def test_cutoffs_ascend_within_the_vocabulary(cutoffs: list[int]) -> None:
    with pytest.raises(ValueError, match=r"do not ascend within a vocabulary of 11"):
        AdaptiveEmbedding(16, 11, cutoffs=cutoffs)


def test_no_width_left() -> None:
    with pytest.raises(ValueError, match=r"a width of 16 cannot be divided by 8 for each of 3 clusters"):
        Clusters.of(11, 16, [4, 7], 8, None)
