"""Checkpoints of ERNIE 4.5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **{key: option for key, option in DECODER.items() if key != "attention_dropout"},
    "num_hidden_layers": "layers",
    "head_dim": "attention.head_dim",
    "use_bias": "attention.bias",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "ernie4_5", paper="Baidu 2025 (ERNIE 4.5); transformers' Ernie4_5ForCausalLM")
class Ernie45(Conversion):
    """ERNIE 4.5 without experts (0.3B): Llama with rotary positions in pairs of neighbours."""

    model_type = "ernie4_5"
    architectures = ("Ernie4_5ForCausalLM",)
    settings = {
        **ROPE,
        "rope_theta": 500000.0,
        "vocab_size": 103424,
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 18,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "head_dim": 128,
        "hidden_act": "silu",
        "use_bias": False,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
    }
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 6,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        activation = self.choose(ACTIVATIONS, c, "hidden_act")
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "rms"}, "placement": "pre"},
            {"position": rotary(c, layout="interleaved"), "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": activation, "bias": c["use_bias"]}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
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
