"""Checkpoints of OLMo 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "attention_bias": "attention.bias",
    "rms_norm_eps": "norm.eps",
}
AFTER = {"post_attention_layernorm": "branch_norms.0", "post_feedforward_layernorm": "branch_norms.1"}
"""Norms of a layer that follow its sublayers."""


@part("conversion", "olmo2", paper="OLMo Team 2025, arXiv 2501.00656; transformers' Olmo2ForCausalLM")
class Olmo2(Conversion):
    """OLMo 2: RMS norms after the sublayers, and over all queries and all keys of a token."""

    model_type = "olmo2"
    architectures = ("Olmo2ForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 50304,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "hidden_act": "silu",
        "attention_bias": False,
        "rms_norm_eps": 1e-5,
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
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        norm = {"kind": "rms", "eps": c["rms_norm_eps"]}
        return merged(
            {"topology": "decoder", "norm": norm, "position": rotary(c), "placement": "reordered"},
            {"attention": {"kind": "full", "qk_norm": norm, "qk_norm_over": "projection"}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        activation = ACTIVATION_NAMES[model["feedforward"]["activation"]]
        return {**rope_settings(model["position"]), **flat(KEYS, model), "hidden_act": activation}

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, AFTER),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *weights(f"{THEIRS}.self_attn.q_norm", f"{OURS}.attention.q_norm.norm"),
                *weights(f"{THEIRS}.self_attn.k_norm", f"{OURS}.attention.k_norm.norm"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
