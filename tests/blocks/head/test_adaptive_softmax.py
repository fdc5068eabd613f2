"""The softmax of two levels against probabilities written out, and what it shares with the embedding."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.coords import Coords
from blocks.embedding import AdaptiveEmbedding, TokenEmbedding
from blocks.head import AdaptiveSoftmaxHead, LMHead
from registry.assembly import resolve_block
from registry.catalog import Catalog
from registry.errors import SpecError

AT = Coords.of(3)
CUT = {"cutoffs": [4, 7], "div": 2}


def pair(tied: dict[str, Any] | None = None, **cut: Any) -> tuple[AdaptiveSoftmaxHead, AdaptiveEmbedding]:
    torch.manual_seed(1)
    head = AdaptiveSoftmaxHead(16, 11, **cut, **(tied or {})).double()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn_like(parameter))
    return head, AdaptiveEmbedding(16, 11, **cut).double()


def by_hand(head: AdaptiveSoftmaxHead, tables: list[Tensor], maps: list[Tensor], hidden: Tensor) -> Tensor:
    """Probabilities of one vector [m], token by token: of the cluster, times of the token inside it. maps: [w m]."""
    assert head.entries is not None
    narrow = [m @ hidden for m in maps]
    inside = [(t @ h + b).exp() for t, h, b in zip(tables, narrow, head.biases, strict=True)]
    doors = (head.entries.weight @ narrow[0] + head.entries.bias).exp()
    total = inside[0].sum() + doors.sum()
    found = [inside[0] / total]
    found += [doors[i] / total * tail / tail.sum() for i, tail in enumerate(inside[1:])]
    return torch.cat(found)


@pytest.mark.parametrize("tied_maps", ["tail", "all", "none"])
def test_probabilities_of_two_levels(tied_maps: str) -> None:
    head, embedding = pair({"tied_maps": tied_maps}, **CUT)
    own = {"tail": 1, "all": 0, "none": 3}[tied_maps]
    assert len(head.maps) == own
    maps = [head.maps[i].weight if i < own else embedding.map(i).T for i in range(3)]
    hidden = torch.randn(2, 3, 16).double()
    logs = head(hidden, AT, embedding)
    right = torch.stack([by_hand(head, [embedding.table(i) for i in range(3)], maps, h) for h in hidden.flatten(0, 1)])
    torch.testing.assert_close(logs.exp().flatten(0, 1), right)
    torch.testing.assert_close(logs.exp().sum(-1), torch.ones(2, 3).double())
    # they are logits as they are
    torch.testing.assert_close(logs.log_softmax(-1), logs)


def test_tables_of_its_own() -> None:
    head, embedding = pair({"tied": False}, **CUT)
    hidden = torch.randn(1, 3, 16).double()
    tables, maps = ([module.weight for module in modules] for modules in (head.tables, head.maps))
    right = torch.stack([by_hand(head, tables, maps, h) for h in hidden[0]])
    for any_embedding in (embedding, TokenEmbedding(16, 11)):
        torch.testing.assert_close(head(hidden, AT, any_embedding).exp()[0], right)


@pytest.mark.parametrize("width", [None, 6])
def test_clusters_of_one_table(width: int | None) -> None:
    head, embedding = pair(cutoffs=[4, 7], width=width)
    assert [len(head.maps), len(head.biases)] == [0 if width is None else 1, 1]
    head.biases = torch.nn.ParameterList(head.biases[0].detach().split([4, 3, 4]))
    tables = list(embedding.table(0).split([4, 3, 4]))
    first, rest = (torch.eye(16).double(),) * 2 if width is None else (head.maps[0].weight, embedding.map(0).T)
    hidden = torch.randn(1, 3, 16).double()
    right = torch.stack([by_hand(head, tables, [first, rest, rest], h) for h in hidden[0]])
    again, _ = pair(cutoffs=[4, 7], width=width)
    torch.testing.assert_close(again(hidden, AT, embedding).exp()[0], right)


def test_one_cluster_is_the_plain_softmax() -> None:
    head, embedding = pair()
    plain = LMHead(16, 11, bias=True).double()
    plain.bias = head.biases[0]
    hidden = torch.randn(1, 3, 16).double()
    torch.testing.assert_close(head(hidden, AT, embedding), plain(hidden, AT, embedding).log_softmax(-1))


def test_a_spec_with_another_embedding_is_refused() -> None:
    catalog = Catalog.load()
    model = {"topology": "decoder", "dim": 16, "vocab": 11, "heads": 2, "layers": 1}
    head = {"kind": "adaptive_softmax", "cutoffs": [4, 7]}
    message = r"embedding 'tokens' cannot work with head 'adaptive_softmax' .*that works .*: adaptive"
    with pytest.raises(SpecError, match=message):
        resolve_block({**model, "embedding": "tokens", "head": head}, catalog)
    resolve_block({**model, "embedding": "tokens", "head": {**head, "tied": False}}, catalog)
    resolve_block({**model, "embedding": {"kind": "adaptive", "cutoffs": [4, 7]}, "head": head}, catalog)


def test_refuses_an_embedding_cut_otherwise() -> None:
    head, _ = pair(**CUT)
    hidden = torch.randn(1, 3, 16)
    for other in (TokenEmbedding(16, 11), AdaptiveEmbedding(16, 11, cutoffs=[4, 8], div=2)):
        with pytest.raises(ValueError, match="needs the embedding 'adaptive' with the same clusters"):
            head(hidden, AT, other)
