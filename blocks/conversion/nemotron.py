"""Checkpoints of Nemotron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, norms, pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "head_dim": "attention.head_dim",
    "attention_bias": "attention.bias",
    "mlp_bias": "feedforward.bias",
    "norm_eps": "norm.eps",
}


@part("conversion", "nemotron", paper="Parmar et al. 2024, arXiv 2402.16819; transformers' NemotronForCausalLM")
class Nemotron(Conversion):
    """Nemotron 3 and 4, Minitron: layer norms with 1 + w, squared relu without a gate, partial rotary positions."""

    model_type = "nemotron"
    architectures = ("NemotronForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 256000,
        "hidden_size": 6144,
        "intermediate_size": 24576,
        "num_hidden_layers": 32,
        "num_attention_heads": 48,
        "num_key_value_heads": None,
        "head_dim": None,
        "hidden_act": "relu2",
        "partial_rotary_factor": 0.5,
        "attention_bias": False,
        "mlp_bias": False,
        "norm_eps": 1e-5,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
    }
    harmless = ("max_position_embeddings", "partial_rotary_percent", "rope_percent", "rope_scaling_type")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "layer", "weight": "one_plus"}},
            {"position": rotary(c), "placement": "pre", "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "mlp", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
            "partial_rotary_factor": model["position"]["fraction"],
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *pair(f"{THEIRS}.mlp", f"{OURS}.feedforward", "up_proj", "down_proj"),
            ]
        )
