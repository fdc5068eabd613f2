"""Checkpoints of Ministral 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import rope_settings, rotary
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "head_dim": "attention.head_dim",
    "sliding_window": "attention.window",
    "rms_norm_eps": "norm.eps",
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 1e6,
    "factor": 16.0,
    "original_max_position_embeddings": 16384,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
    "llama_4_scaling_beta": 0.1,
}
"""The reference's default."""


@part("conversion", "ministral3", paper="Mistral AI 2025 (Ministral 3); transformers' Ministral3ForCausalLM")
class Ministral3(Conversion):
    """Ministral 3 without its image encoder: Mistral with YaRN, and with queries that grow in long texts."""

    model_type = "ministral3"
    architectures = ("Ministral3ForCausalLM",)
    settings = {
        "vocab_size": 131072,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 34,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "hidden_act": "silu",
        "sliding_window": None,
        "rope_parameters": YARN,
        "rms_norm_eps": 1e-5,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
    }
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 16,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 6,
        "rope_parameters": {**YARN, "rope_theta": 500.0, "original_max_position_embeddings": 4},
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        given = dict(c["rope_parameters"])
        # a length that it repeats
        given.pop("max_position_embeddings", None)
        grows = {
            "kind": "temperature",
            "growth": given.pop("llama_4_scaling_beta"),
            "length": given["original_max_position_embeddings"],
        }
        turned = rotary({"rope_theta": 1e4, "rope_parameters": given})
        return merged(
            {"topology": "decoder", "attention": {"kind": "full", "bias": False}, "norm": {"kind": "rms"}},
            {"position": {"kind": "several", "schemes": [turned, grows]}, "placement": "pre", "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        turned, grows = model["position"]["schemes"]
        rope = rope_settings(turned)
        scaling = rope["rope_scaling"] or {"rope_type": "default"}
        return {
            **flat(KEYS, model),
            "rope_parameters": {
                **scaling,
                "rope_theta": rope["rope_theta"],
                "original_max_position_embeddings": grows["length"],
                "llama_4_scaling_beta": grows["growth"],
            },
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
