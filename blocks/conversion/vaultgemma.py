"""Checkpoints of VaultGemma."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.gemma2 import KEYS, pre_attention_scalar
from blocks.conversion.keys import flat, merged, nested
from blocks.conversion.names import OURS, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.windows import FULL, SLIDING, types_of, window_of, windowed
from blocks.conversion.words import ACTIVATIONS, NEWER_ACTIVATION_NAMES
from registry import part

BEFORE = {"input_layernorm": "in_norms.0", "pre_feedforward_layernorm": "in_norms.1"}


@part("conversion", "vaultgemma", paper="Sinha et al. 2025, arXiv 2510.15001; transformers' VaultGemmaForCausalLM")
class VaultGemma(Conversion):
    """VaultGemma: Gemma 2 with norms before the sublayers alone, trained under differential privacy."""

    model_type = "vaultgemma"
    architectures = ("VaultGemmaForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 256000,
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "hidden_activation": "gelu_pytorch_tanh",
        "query_pre_attn_scalar": 256,
        "sliding_window": 4096,
        "layer_types": None,
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
        "attention_bias": False,
        "rms_norm_eps": 1e-6,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 16,
        "intermediate_size": 20,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 6,
        "query_pre_attn_scalar": 7,
        "sliding_window": 5,
        "attn_logit_softcapping": 1.5,
        "final_logit_softcapping": 2.5,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        types = c["layer_types"] or [FULL if n % 2 else SLIDING for n in range(c["num_hidden_layers"])]
        block = merged(
            {"topology": "decoder", "norm": {"kind": "rms", "weight": "one_plus"}, "placement": "pre"},
            {"attention": {"kind": "full", "scale": c["query_pre_attn_scalar"] ** -0.5}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {
                "feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_activation")},
                "embedding": {"kind": "tokens", "scale": True},
                "position": rotary(c),
            },
        )
        return {**block, **windowed(types, block["attention"], c["sliding_window"])}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
            "num_hidden_layers": len(types_of(model)),
            "layer_types": types_of(model),
            "sliding_window": window_of(model) or self.settings["sliding_window"],
            "query_pre_attn_scalar": pre_attention_scalar(model),
            "hidden_activation": NEWER_ACTIVATION_NAMES[model["feedforward"]["activation"]],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, BEFORE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
