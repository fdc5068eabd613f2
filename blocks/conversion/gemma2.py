"""Checkpoints of Gemma 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.windows import FULL, SLIDING, types_of, window_of, windowed
from blocks.conversion.words import ACTIVATIONS, NEWER_ACTIVATION_NAMES
from registry import part

KEYS: Keys = {
    **DECODER,
    "head_dim": "attention.head_dim",
    "attention_bias": "attention.bias",
    "attn_logit_softcapping": "attention.softcap",
    "final_logit_softcapping": "head.softcap",
    "rms_norm_eps": "norm.eps",
}
SANDWICH = {
    "input_layernorm": "in_norms.0",
    "post_attention_layernorm": "branch_norms.0",
    "pre_feedforward_layernorm": "in_norms.1",
    "post_feedforward_layernorm": "branch_norms.1",
}
"""The norms of a layer of Gemma 2 and 3."""


def pre_attention_scalar(model: Mapping[str, Any]) -> float:
    """The number whose root divides the scores, whole where it can be."""
    attention = model["attention"]
    width = attention["head_dim"] or model["dim"] // model["heads"]
    found: float = width if attention["scale"] is None else attention["scale"] ** -2
    return round(found) if abs(found - round(found)) < 1e-9 * found else found


@part("conversion", "gemma2", paper="Gemma Team 2024, arXiv 2408.00118; transformers' Gemma2ForCausalLM")
class Gemma2(Conversion):
    """Gemma 2: every other layer has a window, norms before and after each sublayer, capped scores and logits.

    placement, norms: where the norms of a layer stand, and their names; what sets VaultGemma apart.
    """

    model_type = "gemma2"
    architectures = ("Gemma2ForCausalLM",)
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
    fixed = {"use_bidirectional_attention": (None, False)}
    # hidden_act and sliding_window_size repeat what other keys say
    harmless: ClassVar[tuple[str, ...]] = (
        "max_position_embeddings",
        "hidden_act",
        "sliding_window_size",
        "cache_implementation",
    )
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

    placement: ClassVar[str] = "sandwich"
    norms: ClassVar[Mapping[str, str]] = SANDWICH

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        types = c["layer_types"] or [FULL if n % 2 else SLIDING for n in range(c["num_hidden_layers"])]
        block = merged(
            {"topology": "decoder", "norm": {"kind": "rms", "weight": "one_plus"}, "placement": self.placement},
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
        activation = NEWER_ACTIVATION_NAMES[model["feedforward"]["activation"]]
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
            "num_hidden_layers": len(types_of(model)),
            "layer_types": types_of(model),
            "sliding_window": window_of(model) or self.settings["sliding_window"],
            "query_pre_attn_scalar": pre_attention_scalar(model),
            "hidden_act": activation,
            "hidden_activation": activation,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, self.norms),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
