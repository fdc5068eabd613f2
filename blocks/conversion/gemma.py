"""Checkpoints of Gemma."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.words import ACTIVATIONS, NEWER_ACTIVATION_NAMES
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "head_dim": "attention.head_dim",
    "attention_bias": "attention.bias",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "gemma", paper="Gemma Team 2024, arXiv 2403.08295; transformers' GemmaForCausalLM")
class Gemma(Conversion):
    """Gemma and CodeGemma: RMS norms with 1 + w, embeddings times sqrt(dim), gated gelu.

    The files' "gelu" means the tanh form, with which the models were trained.
    """

    model_type = "gemma"
    architectures = ("GemmaForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 256000,
        "hidden_size": 3072,
        "intermediate_size": 24576,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 16,
        "head_dim": 256,
        "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": None,
        "attention_bias": False,
        "rms_norm_eps": 1e-6,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    fixed = {"use_bidirectional_attention": (None, False)}
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 16,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 6,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        said = c["hidden_activation"] or c["hidden_act"]
        meant = {"hidden_act": "gelu_pytorch_tanh" if said == "gelu" else said}
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "rms", "weight": "one_plus"}},
            {"position": rotary(c), "placement": "pre", "head": {"kind": "lm"}},
            nested(KEYS, c),
            {
                "feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, meant, "hidden_act")},
                "embedding": {"kind": "tokens", "scale": True},
            },
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        activation = NEWER_ACTIVATION_NAMES[model["feedforward"]["activation"]]
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
            "hidden_act": activation,
            "hidden_activation": activation,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
