"""Checkpoints of Seed-OSS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, SIDES, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "head_dim": "attention.head_dim",
    "mlp_bias": "feedforward.bias",
    "residual_dropout": "dropout",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "seed_oss", paper="ByteDance Seed Team 2025 (Seed-OSS-36B); transformers' SeedOssForCausalLM")
class SeedOss(Conversion):
    """Seed-OSS: Llama whose output projection has a bias of its own choosing."""

    model_type = "seed_oss"
    architectures = ("SeedOssForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 155136,
        "hidden_size": 4096,
        "intermediate_size": 27648,
        "num_hidden_layers": 64,
        "num_attention_heads": 80,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "hidden_act": "silu",
        "attention_bias": True,
        "attention_out_bias": False,
        "mlp_bias": False,
        "rms_norm_eps": 1e-6,
        "attention_dropout": 0.1,
        "residual_dropout": 0.1,
        "tie_word_embeddings": False,
    }
    harmless = ("max_position_embeddings", "pretraining_tp")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 16,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 6,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        bias = [*(SIDES if c["attention_bias"] else ()), *(("out",) if c["attention_out_bias"] else ())]
        return merged(
            {"topology": "decoder", "attention": {"kind": "full", "bias": bias}, "norm": {"kind": "rms"}},
            {"position": rotary(c), "placement": "pre", "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        bias = model["attention"]["bias"]
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "attention_bias": bias is True or (isinstance(bias, list) and "query" in bias),
            "attention_out_bias": bias is True or (isinstance(bias, list) and "out" in bias),
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
