"""Longformer with masked language modelling, assembled from parts."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.attention import Longformer
from blocks.embedding import TokenEmbedding
from blocks.feedforward import Mlp
from blocks.norm import LayerNorm
from blocks.placement import Post
from blocks.position import Learned
from blocks.topology import Encoder
from blocks.topology.layers import LayerType

from .oracle import Oracle

ORACLE = Oracle.load("longformer")
CASES = list(ORACLE.meta["cases"])
WINDOWS = ORACLE.meta["config"]["attention_window"]
BODY = "longformer."
NAMES = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.query_global": "attention.self.query_global",
    "attention.key_global": "attention.self.key_global",
    "attention.value_global": "attention.self.value_global",
    "attention.out": "attention.output.dense",
    "placement.out_norms.0": "attention.output.LayerNorm",
    "feedforward.inner": "intermediate.dense",
    "feedforward.outer": "output.dense",
    "placement.out_norms.1": "output.LayerNorm",
}


def longformer() -> tuple[Encoder, nn.Sequential]:
    """The model, and the head's transform, whose output meets the word table."""
    types = {str(w): LayerType(attention=partial(Longformer, window=w, global_tokens=0)) for w in set(WINDOWS)}
    model = Encoder(
        dim=32,
        layers=[str(w) for w in WINDOWS],
        heads=4,
        vocab=101,
        layer_types=types,
        position=partial(Learned, length=58, offset=2),
        placement=Post,
        feedforward=partial(Mlp, hidden=64, activation="gelu"),
        embedding=partial(TokenEmbedding, norm=LayerNorm),
    )
    weights = ORACLE.weights
    tables = BODY + "embeddings."
    model.embedding.table.weight.data.copy_(weights[f"{tables}word_embeddings.weight"])
    # every token is of type 0, so that row belongs to each position
    positions, kind = (weights[f"{tables}{name}_embeddings.weight"].double() for name in ("position", "token_type"))
    model.stack.positions[0].table.weight.data.copy_(positions + kind)
    fill(model.embedding.norm, f"{tables}LayerNorm")
    for number, layer in enumerate(model.stack.layers):
        for ours, theirs in NAMES.items():
            fill(layer.get_submodule(ours), f"{BODY}encoder.layer.{number}.{theirs}")
    transform = nn.Sequential(nn.Linear(32, 32), nn.GELU(), nn.LayerNorm(32))
    fill(transform[0], "lm_head.dense")
    fill(transform[2], "lm_head.layer_norm")
    return model.eval(), transform


def fill(module: nn.Module, name: str) -> None:
    module.load_state_dict({part: ORACLE.weights[f"{name}.{part}"] for part in ("weight", "bias")})


def given(case: str) -> dict[str, Tensor]:
    names = ORACLE.meta["cases"][case]["inputs"]
    ids, valid = ORACLE.inputs(case, "input_ids", "attention_mask")
    marked = ORACLE.input(case, "global_attention_mask") if "global_attention_mask" in names else torch.zeros_like(ids)
    return {"tokens": ids, "valid": valid.bool(), "globals": marked.bool()}


def logits(model: Encoder, transform: nn.Sequential, hidden: Tensor) -> Tensor:
    return functional.linear(transform(hidden), model.embedding.weight, ORACLE.weights["lm_head.bias"].to(hidden.dtype))


@pytest.mark.parametrize("case", CASES)
def test_outputs(case: str) -> None:
    model, transform = longformer()
    seen: list[Tensor] = []
    model.stack.layers[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for layer in model.stack.layers:
        layer.register_forward_hook(lambda _, __, out: seen.append(out))
    hidden = model.run(**given(case)).hidden
    got = {"last_hidden_state": hidden, "logits": logits(model, transform, hidden)}
    got |= {f"hidden_{number}": stream for number, stream in enumerate(seen)}
    compared = ORACLE.meta["cases"][case]["outputs"].keys() & got.keys()
    assert {"logits", "last_hidden_state"} <= compared
    for name in compared:
        ORACLE.check(case, name, got[name])


def test_loss_and_gradients() -> None:
    """Norms of the gradients, in float64, of everything but the tables that are added before the model sees them."""
    case = "padded_global"
    model, transform = longformer()
    hidden = model.run(**given(case)).hidden
    loss = functional.cross_entropy(
        logits(model, transform, hidden).flatten(0, 1), ORACLE.input(case, "labels").flatten()
    )
    ORACLE.check(case, "loss", loss)
    if loss.dtype != torch.float64:
        return
    loss.backward()
    want = ORACLE.meta["gradients"]["l2"]
    for number, layer in enumerate(model.stack.layers):
        for ours, theirs in NAMES.items():
            for part in ("weight", "bias"):
                got = layer.get_submodule(ours).get_parameter(part).grad
                assert got is not None
                expected = want[f"{BODY}encoder.layer.{number}.{theirs}.{part}"]
                assert float(got.norm()) == pytest.approx(expected, rel=1e-6, abs=1e-12), (number, theirs, part)
    table = model.embedding.table.weight.grad
    assert table is not None
    assert float(table.norm()) == pytest.approx(want[f"{BODY}embeddings.word_embeddings.weight"], rel=1e-6)
