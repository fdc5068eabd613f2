"""The attention of gpt-oss, without its experts: sinks, a window, YaRN with numbers that are not rounded."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from blocks.attention import FullAttention
from blocks.coords import Coords
from blocks.masks import Causal
from blocks.position import Rotary
from blocks.scaling import YarnScaling

from .family import theirs

DIM, HEADS, GROUPS, WIDTH, N = 20, 4, 2, 16, 11
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 50.0}


@pytest.mark.parity
@pytest.mark.parametrize("layer", [0, 1], ids=["window", "full"])
def test_attention_with_sinks(layer: int) -> None:
    theirs_attention, cos_sin = reference(layer)
    window = 4 if layer == 0 else None
    attention = FullAttention(DIM, HEADS, kv_heads=GROUPS, head_dim=WIDTH, window=window, sinks=True).eval()
    for name, side in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("o_proj", "out")):
        attention.get_submodule(side).load_state_dict(theirs_attention.get_submodule(name).state_dict())
    assert attention.sinks is not None
    attention.sinks.data.copy_(theirs_attention.sinks)
    scaling = partial(YarnScaling, factor=4.0, original_length=64, fast=4.0, truncate=False)
    position = Rotary(WIDTH, base=50.0, scaling=scaling)
    x = torch.randn(2, N, DIM)
    index = torch.arange(N)
    apart = index[:, None] - index
    hidden = (apart < 0) | (apart >= (window or N))
    mask = torch.zeros(N, N).masked_fill(hidden, -torch.inf)[None, None]
    with torch.no_grad(), theirs():
        want, weights = theirs_attention(x, position_embeddings=cos_sin(x, index[None]), attention_mask=mask)
    with torch.no_grad():
        got = attention(x, mask=Causal(), position=position)
        seen = attention.weights(x, mask=Causal(), position=position)
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)
    torch.testing.assert_close(seen, weights, rtol=0, atol=1e-12)
    cache = attention.new_cache()
    for i in range(N):
        step = attention(x[:, i : i + 1], Coords.of(1, start=i), mask=Causal(), position=position, cache=cache)
        torch.testing.assert_close(step, want[:, i : i + 1], rtol=0, atol=1e-12)


def reference(layer: int) -> tuple[Any, Any]:
    """transformers' attention of a layer, and its table of angles."""
    with theirs():
        from transformers import GptOssConfig
        from transformers.models.gpt_oss import modeling_gpt_oss as gpt_oss

        config = GptOssConfig(
            hidden_size=DIM,
            num_attention_heads=HEADS,
            num_key_value_heads=GROUPS,
            head_dim=WIDTH,
            num_hidden_layers=2,
            sliding_window=4,
            rope_parameters={**YARN, "beta_fast": 4.0, "beta_slow": 1.0, "truncate": False},
        )
        config._attn_implementation = "eager"
        attention = gpt_oss.GptOssAttention(config, layer).double().eval()
        with torch.no_grad():
            for parameter in attention.parameters():
                parameter.normal_()
        return attention, gpt_oss.GptOssRotaryEmbedding(config)
