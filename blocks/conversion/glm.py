"""Checkpoints of GLM-4 in transformers' own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, joined_gate, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "head_dim": "attention.head_dim",
    "rms_norm_eps": "norm.eps",
}
SETTINGS = {
    **ROPE,
    "vocab_size": 151552,
    "hidden_size": 4096,
    "intermediate_size": 13696,
    "num_hidden_layers": 40,
    "num_attention_heads": 32,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "hidden_act": "silu",
    "partial_rotary_factor": 0.5,
    "attention_bias": True,
    "rms_norm_eps": 1.5625e-7,
    "attention_dropout": 0.0,
    "tie_word_embeddings": False,
}
TINY = {
    "vocab_size": 19,
    "hidden_size": 16,
    "intermediate_size": 20,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "rope_theta": 500.0,
    "pad_token_id": 0,
}


def block(config: Mapping[str, Any], activation: str, placement: str) -> dict[str, Any]:
    """The model block of both generations of GLM-4."""
    bias = ["query", "key", "value"] if config["attention_bias"] else False
    return merged(
        {"topology": "decoder", "attention": {"kind": "full", "bias": bias}, "norm": {"kind": "rms"}},
        {"position": rotary(config, layout="interleaved"), "placement": placement, "head": {"kind": "lm"}},
        nested(KEYS, config),
        {"feedforward": {"kind": "glu", "activation": activation}},
    )


def settings_of(model: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of both generations of GLM-4."""
    return {
        **rope_settings(model["position"]),
        **flat(KEYS, model),
        "partial_rotary_factor": model["position"]["fraction"],
        "attention_bias": bool(model["attention"]["bias"]),
        "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
    }


@part("conversion", "glm", paper="GLM Team 2024, arXiv 2406.12793; transformers' GlmForCausalLM")
class GLM(Conversion):
    """GLM-4 of 2024 (glm-4-9b-hf), GLM-Edge: interleaved partial rotary positions, biases on query, key and value."""

    model_type = "glm"
    architectures = ("GlmForCausalLM",)
    settings = SETTINGS
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = TINY

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return block(c, self.choose(ACTIVATIONS, c, "hidden_act"), "pre")

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return settings_of(model)

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *joined_gate(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
