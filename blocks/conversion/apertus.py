"""Checkpoints of Apertus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, THEIRS, decoder, norms, pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import Rule, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "attention_bias": "attention.bias",
    "rms_norm_eps": "norm.eps",
}
SCALING = {
    "rope_type": "llama3",
    "factor": 8.0,
    "original_max_position_embeddings": 8192,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
}
"""The reference's default, with a base of 12 million."""
LEARNED = {**ACTIVATIONS, "xielu": "xielu"}
LEARNED_NAMES = {**ACTIVATION_NAMES, "xielu": "xielu"}
BEFORE = {"attention_layernorm": "in_norms.0", "feedforward_layernorm": "in_norms.1"}


@part("conversion", "apertus", paper="Project Apertus 2025, arXiv 2509.14233; transformers' ApertusForCausalLM")
class Apertus(Conversion):
    """Apertus: norms of queries and keys, and xIELU, which learns two numbers a layer, in place of a gate."""

    model_type = "apertus"
    architectures = ("ApertusForCausalLM",)
    settings = {
        **ROPE,
        "rope_theta": 12e6,
        "vocab_size": 131072,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "hidden_act": "xielu",
        "attention_bias": False,
        "rms_norm_eps": 1e-5,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
    }
    fixed = {"mlp_bias": False, "post_norm": False, "qk_norm": True}
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rope_theta": 500.0,
        "rope_scaling": {**SCALING, "original_max_position_embeddings": 16},
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        c = (
            c
            if c["rope_parameters"] or c["rope_scaling"]
            else {**c, "rope_parameters": {"rope_theta": 12e6, **SCALING}}
        )
        norm = {"kind": "rms", "eps": c["rms_norm_eps"]}
        return merged(
            {"topology": "decoder", "norm": norm, "position": rotary(c), "placement": "pre", "head": {"kind": "lm"}},
            {"attention": {"kind": "full", "qk_norm": norm}},
            nested(KEYS, c),
            {"feedforward": {"kind": "mlp", "activation": self.choose(LEARNED, c, "hidden_act"), "bias": False}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        rope = rope_settings(model["position"])
        return {
            **flat(KEYS, model),
            "rope_theta": rope["rope_theta"],
            # none at all would mean the default
            "rope_scaling": rope["rope_scaling"] or {"rope_type": "default"},
            "hidden_act": LEARNED_NAMES[model["feedforward"]["activation"]],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        learned = ("alpha_p", "alpha_n", "beta", "eps")
        ours = f"{OURS}.feedforward.activation"
        return decoder(
            [
                *norms(THEIRS, OURS, BEFORE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *weights(f"{THEIRS}.self_attn.q_norm", f"{OURS}.attention.q_norm"),
                *weights(f"{THEIRS}.self_attn.k_norm", f"{OURS}.attention.k_norm"),
                *pair(f"{THEIRS}.mlp", f"{OURS}.feedforward", "up_proj", "down_proj"),
                *(Rule(f"{THEIRS}.mlp.act_fn.{name}", f"{ours}.{name}") for name in learned),
            ]
        )
