"""Checkpoints of Qwen 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.windows import FULL, SLIDING, types_of, window_of, windowed
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {**DECODER, "rms_norm_eps": "norm.eps"}
WINDOWS = {"use_sliding_window": False, "sliding_window": 4096, "max_window_layers": 28, "layer_types": None}
"""Settings of Qwen 2 and 3 that say which layers have a window."""


def chosen(config: Mapping[str, Any], attention: Mapping[str, Any]) -> dict[str, Any]:
    """Our layers for the settings in WINDOWS: layers from max_window_layers on have a window."""
    window = config["sliding_window"] if config["use_sliding_window"] else None
    first, count = config["max_window_layers"], config["num_hidden_layers"]
    types = config["layer_types"] or [FULL if window is None or n < first else SLIDING for n in range(count)]
    return windowed(types, attention, window)


def window_settings(model: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in WINDOWS, and the number of layers, for a full model block."""
    types = types_of(model)
    return {
        "num_hidden_layers": len(types),
        "layer_types": types,
        "sliding_window": window_of(model),
        "use_sliding_window": SLIDING in types,
        "max_window_layers": types.index(SLIDING) if SLIDING in types else len(types),
    }


@part("conversion", "qwen2", paper="Yang et al. 2024, arXiv 2407.10671; transformers' Qwen2ForCausalLM")
class Qwen2(Conversion):
    """Qwen 1.5, 2, 2.5, QwQ and models distilled into them: Llama with biases on queries, keys and values."""

    model_type = "qwen2"
    architectures = ("Qwen2ForCausalLM",)
    settings = {
        **ROPE,
        **WINDOWS,
        "vocab_size": 151936,
        "hidden_size": 4096,
        "intermediate_size": 22016,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
    }
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "use_sliding_window": True,
        "sliding_window": 5,
        "max_window_layers": 2,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        block = merged(
            {"topology": "decoder", "norm": {"kind": "rms"}, "position": rotary(c), "placement": "pre"},
            {"attention": {"kind": "full", "bias": ["query", "key", "value"]}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )
        return {**block, **chosen(c, block["attention"])}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **rope_settings(model["position"]),
            **window_settings(model),
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
