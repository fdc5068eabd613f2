"""BigBird with masked language modelling, assembled from parts: as published, and as its reference evaluates it."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.attention import Attention, BigBird, FullAttention
from blocks.attention.random_blocks import Draw, Plan, random_blocks
from blocks.embedding import TokenEmbedding
from blocks.feedforward import Mlp
from blocks.head.mlm import MLMHead
from blocks.norm import LayerNorm
from blocks.placement import Post
from blocks.position import Learned
from blocks.tap import Tap
from blocks.topology import Encoder
from registry import Build

from .oracle import Oracle

ORACLE = Oracle.load("bigbird")
CONFIG = ORACLE.meta["config"]
CASES = list(ORACLE.meta["cases"])
LAYER = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.out": "attention.output.dense",
    "placement.out_norms.0": "attention.output.LayerNorm",
    "feedforward.inner": "intermediate.dense",
    "feedforward.outer": "output.dense",
    "placement.out_norms.1": "output.LayerNorm",
}
REST = {
    "embedding.norm": "bert.embeddings.LayerNorm",
    "head.dense": "cls.predictions.transform.dense",
    "head.norm": "cls.predictions.transform.LayerNorm",
    "head.pooler.dense": "bert.pooler",
}
TABLES = {
    "embedding.table.weight": "bert.embeddings.word_embeddings.weight",
    "embedding.types.weight": "bert.embeddings.token_type_embeddings.weight",
    "stack.positions.0.table.weight": "bert.embeddings.position_embeddings.weight",
    "head.bias": "cls.predictions.bias",
}
SPARSE = {"block": CONFIG["block_size"], "random": CONFIG["num_random_blocks"], "padding": "counted"}


def modules() -> dict[str, str]:
    """Our names of modules with a weight and a bias, and the reference's."""
    layers = range(CONFIG["num_hidden_layers"])
    inside = {f"stack.layers.{n}.{ours}": f"bert.encoder.layer.{n}.{LAYER[ours]}" for n in layers for ours in LAYER}
    return inside | REST


def bigbird(case: str) -> Encoder:
    attention: Build[Attention] = FullAttention
    if ORACLE.meta["cases"][case]["options"]["attention_type"] == "block_sparse":
        plan: Plan = "published" if case.startswith("random_blocks") else "zeros"
        attention = partial(BigBird, plan=plan, **SPARSE)
    norm = partial(LayerNorm, eps=CONFIG["layer_norm_eps"])
    model = Encoder(
        dim=CONFIG["hidden_size"],
        layers=CONFIG["num_hidden_layers"],
        heads=CONFIG["num_attention_heads"],
        vocab=CONFIG["vocab_size"],
        attention=attention,
        position=partial(Learned, length=CONFIG["max_position_embeddings"]),
        norm=norm,
        placement=Post,
        feedforward=partial(Mlp, hidden=CONFIG["intermediate_size"], activation="gelu_tanh"),
        embedding=partial(TokenEmbedding, types=CONFIG["type_vocab_size"], norm=norm),
        # the pooled vector comes with next-sentence prediction, whose own layer the reference does not have
        head=partial(MLMHead, activation="gelu_tanh", norm=norm, nsp=True),
    )
    for ours, theirs in modules().items():
        weights = {part: ORACLE.weights[f"{theirs}.{part}"] for part in ("weight", "bias")}
        model.get_submodule(ours).load_state_dict(weights)
    for ours, theirs in TABLES.items():
        model.get_parameter(ours).data.copy_(ORACLE.weights[theirs])
    return model.eval()


def given(case: str) -> dict[str, Tensor]:
    names = ORACLE.meta["cases"][case]["inputs"]
    ids, valid = ORACLE.inputs(case, "input_ids", "attention_mask")
    inputs = {"tokens": ids, "valid": valid.bool()}
    return inputs | ({"types": ORACLE.input(case, "token_type_ids")} if "token_type_ids" in names else {})


@pytest.mark.parametrize("case", CASES)
def test_outputs(case: str) -> None:
    tap = Tap()
    out = bigbird(case).run(**given(case), tap=tap)
    got = {"last_hidden_state": out.hidden, "logits": out.logits, "pooler_output": out.beside["pooled"]}
    got |= {f"hidden_{number}": stream for number, stream in enumerate(tap.hidden["encoder"])}
    got["attn_0"] = tap.attention["encoder", 0]
    if "labels" in ORACLE.meta["cases"][case]["inputs"]:
        got["loss"] = functional.cross_entropy(out.logits.flatten(0, 1), ORACLE.input(case, "labels").flatten())
    outputs = ORACLE.meta["cases"][case]["outputs"]
    compared = [name for name in outputs if not name.startswith("random_blocks_")]
    assert set(compared) <= got.keys()
    for name in compared:
        ORACLE.check(case, name, got[name])


@pytest.mark.parametrize("case", [case for case in CASES if "random_blocks_0" in ORACLE.meta["cases"][case]["outputs"]])
@pytest.mark.parametrize("layer", range(CONFIG["num_hidden_layers"]))
def test_the_number_of_the_layer_draws_the_reference_s_blocks(case: str, layer: int) -> None:
    want = ORACLE.tensors[f"{case}/out/random_blocks_{layer}"].long()
    plan: Plan = "zeros" if case.startswith("eval_quirk") else "published"
    draw = Draw(plan, want.shape[0], want.shape[2], CONFIG["block_size"], seed=0, layer=layer, old_length=4096)
    table = random_blocks(draw, want.shape[1] + 2, causal=False)
    assert torch.equal(table[:, 1:-1], want)


def test_gradients(dtype: torch.dtype) -> None:
    """Norms of the gradients of every weight, in float64."""
    if dtype != torch.float64:
        return
    case = ORACLE.meta["gradients"]["case"]
    model = bigbird(case)
    logits = model(**given(case))
    functional.cross_entropy(logits.flatten(0, 1), ORACLE.input(case, "labels").flatten()).backward()
    want = ORACLE.meta["gradients"]["l2"]
    names = {f"{ours}.{part}": f"{theirs}.{part}" for ours, theirs in modules().items() for part in ("weight", "bias")}
    names |= TABLES
    assert set(names.values()) == set(want)
    for ours, theirs in names.items():
        found: nn.Parameter = model.get_parameter(ours)
        norm = 0.0 if found.grad is None else float(found.grad.norm())
        assert norm == pytest.approx(want[theirs], rel=1e-6, abs=1e-12), ours
