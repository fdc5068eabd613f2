"""torch.nn's decoder layer and its attention, assembled from parts; the rest of it is in test_torch_transformer."""

from __future__ import annotations

from functools import partial

import pytest
from torch import Tensor, nn

from blocks.attention import FullAttention
from blocks.coords import Coords
from blocks.feedforward import Mlp
from blocks.masks import Causal
from blocks.norm import LayerNorm
from blocks.placement import Post, Pre
from blocks.position import NoPosition
from blocks.stack import Flow, LayerPlan, Stack, StackPlan

from .oracle import Oracle

ORACLE = Oracle.load("torch_layers")
CASES = {case: about.get("options", {}) for case, about in ORACLE.meta["cases"].items()}


def decoder_layer(case: str) -> Stack:
    """A stack of one layer with the weights of `case`."""
    options = CASES[case]
    plan = LayerPlan(
        heads=4,
        attention=FullAttention,
        position=NoPosition,
        norm=LayerNorm,
        placement=Pre if options["norm_first"] else Post,
        feedforward=partial(Mlp, hidden=64, activation=options["activation"]),
        cross=FullAttention,
    )
    built = Stack(StackPlan(32, "decoder", [plan], 0, 1, causal=True, final_norm=False))
    [layer] = built.layers
    assert layer.cross is not None
    fill_attention(layer.attention, f"{case}.self_attn.")
    fill_attention(layer.cross, f"{case}.multihead_attn.")
    fill(layer.feedforward.get_submodule("inner"), f"{case}.linear1.")
    fill(layer.feedforward.get_submodule("outer"), f"{case}.linear2.")
    norms = layer.placement.in_norms if options["norm_first"] else layer.placement.out_norms
    for step, norm in enumerate(norms, start=1):  # type: ignore[arg-type]
        fill(norm, f"{case}.norm{step}.")
    return built.eval()


def fill(module: nn.Module, prefix: str) -> None:
    """Load the weight and the bias named by `prefix`."""
    module.load_state_dict({name: ORACLE.weights[prefix + name] for name in ("weight", "bias")})


def fill_attention(attention: nn.Module, prefix: str) -> None:
    """torch keeps q, k and v in one matrix, one below the other."""
    weights = ORACLE.weights[f"{prefix}in_proj_weight"].chunk(3)
    biases = ORACLE.weights[f"{prefix}in_proj_bias"].chunk(3)
    for name, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
        attention.get_submodule(name).load_state_dict({"weight": weight, "bias": bias})
    fill(attention.get_submodule("out"), f"{prefix}out_proj.")


def at(case: str, mask: str, stream: Tensor) -> Coords:
    """Coordinates of a stream [b n m] with the padding that the case gives it."""
    valid = ORACLE.input(case, mask).bool() if mask in ORACLE.meta["cases"][case]["inputs"] else None
    return Coords.of(stream.shape[1], valid=valid)


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith("decoder_layer")])
def test_decoder_layer(case: str) -> None:
    tgt, memory = ORACLE.inputs(case, "tgt", "memory")
    flow = Flow(Coords.of(tgt.shape[1]), Causal(), memory, at(case, "attention_mask", memory))
    ORACLE.check(case, "out", decoder_layer(case)(tgt, flow))


def test_multihead_attention() -> None:
    query, key = ORACLE.inputs("multihead_attention", "query", "key")
    key_at = at("multihead_attention", "attention_mask", key)
    attention = FullAttention(32, 4).eval()
    fill_attention(attention, "multihead_attention.")
    ORACLE.check("multihead_attention", "out", attention(query, source=key, source_at=key_at))
    weights = attention.weights(query, source=key, source_at=key_at)
    ORACLE.check("multihead_attention", "attn_0", weights)
