"""Tables, activations and small attentions against the published formulas."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from einops import rearrange
from torch import Tensor

from blocks.activations import ACTIVATIONS, Activation
from blocks.attention import FullAttention
from blocks.coords import Coords
from blocks.embedding import Marks
from blocks.embedding.grid import grid
from blocks.position import Rotary, Shaw, Sinusoidal2d
from blocks.position.alibi import slopes
from blocks.position.sinusoidal import Layout, sinusoids
from blocks.position.t5 import bucket

from .oracle import Oracle, bare

ORACLE = Oracle.load("components")


@pytest.mark.parametrize("name", ORACLE.meta["cases"]["t5_buckets"]["outputs"])
def test_t5_buckets(name: str) -> None:
    direction, buckets, most = name.split("_")
    ahead = ORACLE.input("t5_buckets", "relative_position")
    got = bucket(ahead, causal=direction == "causal", buckets=int(buckets), max_distance=int(most))
    assert torch.equal(got, ORACLE.tensors[f"t5_buckets/out/{name}"])


@pytest.mark.parametrize("name", ORACLE.meta["cases"]["alibi_slopes"]["outputs"])
def test_alibi_slopes(name: str) -> None:
    want = ORACLE.tensors[f"alibi_slopes/out/{name}"].double()
    # the reference raises float32 numbers to powers
    torch.testing.assert_close(torch.tensor(slopes(len(want)), dtype=torch.float64), want, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ORACLE.meta["cases"]["alibi_slopes_mpt"]["outputs"])
def test_alibi_slopes_of_mpt_are_the_same(name: str) -> None:
    want = ORACLE.tensors[f"alibi_slopes_mpt/out/{name}"].double()
    torch.testing.assert_close(torch.tensor(slopes(len(want)), dtype=torch.float64), want, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("name", "layout"), [("interleaved", "interleaved"), ("halves", "halves"), ("t2t", "tensor2tensor")]
)
def test_sinusoids(name: str, layout: Layout) -> None:
    ORACLE.check("sinusoids_d32", name, sinusoids(torch.arange(50.0), 32, layout=layout))


def test_sinusoids_of_an_image() -> None:
    mask = ORACLE.input("detr_sine_2d", "mask").bool()
    at = grid(mask, Marks(), device=mask.device)
    got = Sinusoidal2d(32).embed(torch.zeros(2, 5 * 7, 32), at)
    ORACLE.check("detr_sine_2d", "positions", rearrange(got, "b (h w) m -> b m h w", h=5))


@pytest.mark.parametrize(
    ("name", "options"),
    [("half", {"layout": "halves"}), ("interleaved", {"layout": "interleaved"}), ("partial_half_4", {"fraction": 0.5})],
)
def test_rope(name: str, options: dict[str, Any]) -> None:
    x = ORACLE.input("rope", "x")
    ORACLE.check("rope", name, Rotary(8, **options).rotate(x, Coords.of(12), "query"))


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("gelu", "gelu"),
        ("gelu_new", "gelu_tanh"),
        ("gelu_pytorch_tanh", "gelu_tanh"),
        ("gelu_fast", "gelu_tanh"),
        ("relu", "relu"),
        ("silu", "silu"),
        ("quick_gelu", "quick_gelu"),
    ],
)
def test_activations(name: str, activation: Activation) -> None:
    ORACLE.check("activations", name, ACTIVATIONS[activation](ORACLE.input("activations", "x")))


def beside(*parts: Tensor) -> Tensor:
    """[b h n d] each -> [b n (q h d)]"""
    return rearrange(torch.stack(parts), "q b h n d -> b n (q h d)")


def test_shaw_attention() -> None:
    q, k, v, table_k, table_v = ORACLE.inputs("shaw_attention", "q", "k", "v", "table_k", "table_v")
    attention = bare(FullAttention(3 * 18, 3, head_dim=6, bias=False), 18)
    shaw = Shaw(6, clip=4)
    assert shaw.values is not None
    shaw.keys.weight.data, shaw.values.weight.data = table_k, table_v
    got = attention(beside(q, k, v), position=shaw)[..., :18]
    ORACLE.check("shaw_attention", "out", rearrange(got, "b n (h d) -> b h n d", h=3))
    ORACLE.check("shaw_attention", "weights", attention.weights(beside(q, k, v), position=shaw))
