"""Checkpoints of GPT-J."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.names import pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    "vocab_size": "vocab",
    "n_embd": "dim",
    "n_layer": "layers",
    "n_head": "heads",
    "n_inner": "feedforward.hidden",
    "resid_pdrop": "dropout",
    "embd_pdrop": "embedding.dropout",
    "attn_pdrop": "attention.dropout",
    "layer_norm_epsilon": "norm.eps",
    "tie_word_embeddings": "head.tied",
}
SETTINGS = {
    "vocab_size": 50400,
    "n_embd": 4096,
    "n_layer": 28,
    "n_head": 16,
    "rotary_dim": 64,
    "n_inner": None,
    "activation_function": "gelu_new",
    "resid_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "attn_pdrop": 0.0,
    "layer_norm_epsilon": 1e-5,
    "tie_word_embeddings": False,
}
BLOCK = {
    "topology": "decoder",
    "attention": {"kind": "full", "bias": False},
    "norm": {"kind": "layer"},
    "placement": "parallel",
    "feedforward": {"kind": "mlp"},
    "embedding": {"kind": "tokens"},
    "head": {"kind": "lm", "bias": True},
}


def rotary(config: Mapping[str, Any]) -> dict[str, Any]:
    """Positions of GPT-J and CodeGen, which say how many coordinates of a head are turned."""
    fraction = config["rotary_dim"] / (config["n_embd"] // config["n_head"])
    return {"kind": "rotary", "layout": "interleaved", "fraction": fraction}


def rotary_dim(model: Mapping[str, Any]) -> int:
    """How many coordinates of a head are turned."""
    return int(model["dim"] // model["heads"] * model["position"]["fraction"])


@part("conversion", "gptj", paper="Wang and Komatsuzaki 2021 (GPT-J-6B); transformers' GPTJForCausalLM")
class GPTJ(Conversion):
    """GPT-J: interleaved partial rotary positions, attention and feed-forward side by side behind one norm."""

    model_type = "gptj"
    architectures = ("GPTJForCausalLM",)
    settings = SETTINGS
    fixed = {"rotary": True, "scale_attn_weights": True}
    harmless = ("n_positions", "summary_*")
    prefix = "transformer."
    tiny = {"vocab_size": 19, "n_embd": 24, "n_layer": 2, "n_head": 3, "rotary_dim": 4, "n_inner": 20}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        activation = self.choose(ACTIVATIONS, c, "activation_function")
        return merged(BLOCK, nested(KEYS, c), {"position": rotary(c), "feedforward": {"activation": activation}})

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        activation = ACTIVATION_NAMES[model["feedforward"]["activation"]]
        return {**flat(KEYS, model), "activation_function": activation, "rotary_dim": rotary_dim(model)}

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "transformer.h.{n}", "stack.layers.{n}"
        return [
            Rule("transformer.wte.weight", "embedding.table.weight"),
            *weights(f"{theirs}.ln_1", f"{ours}.placement.norms.0"),
            *projections(f"{theirs}.attn", f"{ours}.attention", out="out_proj"),
            *pair(f"{theirs}.mlp", f"{ours}.feedforward", "fc_in", "fc_out"),
            *weights("transformer.ln_f", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Rule("lm_head.bias", "head.bias"),
            Tied("lm_head.weight", "transformer.wte.weight"),
            Ignored(f"{theirs}.attn.bias"),
            Ignored(f"{theirs}.attn.masked_bias"),
        ]
