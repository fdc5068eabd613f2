"""Checkpoints of Qwen 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.qwen2 import WINDOWS, chosen, window_settings
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "head_dim": "attention.head_dim",
    "attention_bias": "attention.bias",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "qwen3", paper="Yang et al. 2025, arXiv 2505.09388; transformers' Qwen3ForCausalLM")
class Qwen3(Conversion):
    """Qwen 3 without experts: Llama with an RMS norm of each head's queries and keys."""

    model_type = "qwen3"
    architectures = ("Qwen3ForCausalLM",)
    settings = {
        **ROPE,
        **WINDOWS,
        "vocab_size": 151936,
        "hidden_size": 4096,
        "intermediate_size": 22016,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "head_dim": 128,
        "hidden_act": "silu",
        "attention_bias": False,
        "rms_norm_eps": 1e-6,
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
        "use_sliding_window": True,
        "sliding_window": 5,
        "max_window_layers": 1,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        norm = {"kind": "rms", "eps": c["rms_norm_eps"]}
        block = merged(
            {"topology": "decoder", "norm": norm, "position": rotary(c), "placement": "pre"},
            {"attention": {"kind": "full", "qk_norm": norm}, "head": {"kind": "lm"}},
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
                *weights(f"{THEIRS}.self_attn.q_norm", f"{OURS}.attention.q_norm"),
                *weights(f"{THEIRS}.self_attn.k_norm", f"{OURS}.attention.k_norm"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
