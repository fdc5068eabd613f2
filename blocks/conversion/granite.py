"""Checkpoints of Granite."""

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
    **DECODER,
    "num_hidden_layers": "layers",
    "attention_bias": "attention.bias",
    "attention_multiplier": "attention.scale",
    "residual_multiplier": "placement.branch",
    "embedding_multiplier": "embedding.scale",
    "mlp_bias": "feedforward.bias",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "granite", paper="IBM Granite Team 2024 (Granite 3.0); transformers' GraniteForCausalLM")
class Granite(Conversion):
    """Granite 3 without experts: Llama with factors on embeddings, scores, branches and logits."""

    model_type = "granite"
    architectures = ("GraniteForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 32000,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "attention_multiplier": 1.0,
        "embedding_multiplier": 1.0,
        "residual_multiplier": 1.0,
        "logits_scaling": 1.0,
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
        "attention_multiplier": 0.3,
        "embedding_multiplier": 1.5,
        "residual_multiplier": 0.7,
        "logits_scaling": 3.0,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "position": rotary(c), "norm": {"kind": "rms"}},
            {"placement": {"kind": "pre"}, "embedding": {"kind": "tokens"}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {
                "feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")},
                "head": {"scale": 1 / c["logits_scaling"]},
            },
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        activation = ACTIVATION_NAMES[model["feedforward"]["activation"]]
        scaling = 1 / model["head"]["scale"]
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
            "hidden_act": activation,
            "logits_scaling": scaling,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
