"""Checkpoints of nanochat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, THEIRS, decoder, pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "attention_bias": "attention.bias",
    "final_logit_softcapping": "head.softcap",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "nanochat", paper="Karpathy 2025 (nanochat); transformers' NanoChatForCausalLM")
class NanoChat(Conversion):
    """nanochat: no norm has a weight, squared relu, capped logits, positions that turn backwards.

    The embedding is normed too, and queries and keys after positions have turned them.
    """

    model_type = "nanochat"
    architectures = ("NanoChatForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 50304,
        "hidden_size": 768,
        "intermediate_size": 8192,
        "num_hidden_layers": 12,
        "num_attention_heads": 6,
        "num_key_value_heads": None,
        "hidden_act": "relu2",
        "attention_bias": False,
        "final_logit_softcapping": 15.0,
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
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "final_logit_softcapping": 2.5,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        norm = {"kind": "rms", "weight": "none", "eps": c["rms_norm_eps"]}
        return merged(
            {"topology": "decoder", "norm": norm, "placement": "pre", "position": {**rotary(c), "reverse": True}},
            {"attention": {"kind": "full", "qk_norm": norm, "rotate_first": True}, "head": {"kind": "lm"}},
            {"embedding": {"kind": "tokens", "norm": norm}},
            nested(KEYS, c),
            {
                "feedforward": {
                    "kind": "mlp",
                    "activation": self.choose(ACTIVATIONS, c, "hidden_act"),
                    "bias": False,
                },
            },
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
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *pair(f"{THEIRS}.mlp", f"{OURS}.feedforward", "fc1", "fc2"),
            ]
        )
