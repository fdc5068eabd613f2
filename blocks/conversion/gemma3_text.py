"""Checkpoints of Gemma 3 for text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.gemma2 import SANDWICH, pre_attention_scalar
from blocks.conversion.keys import DECODER, Keys, flat, layers_of, merged, nested
from blocks.conversion.names import OURS, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import rope_settings, rotary
from blocks.conversion.rule import weights
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


@part("conversion", "gemma3_text", paper="Gemma Team 2025, arXiv 2503.19786; transformers' Gemma3ForCausalLM")
class Gemma3(Conversion):
    """Gemma 3 for text (270m, 1b): five layers with a window to one without, each kind with positions of its own.

    Norms of queries and keys, before and after each sublayer, all with 1 + w.
    """

    model_type = "gemma3_text"
    architectures = ("Gemma3ForCausalLM",)
    settings = {
        "vocab_size": 262208,
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "hidden_activation": "gelu_pytorch_tanh",
        "query_pre_attn_scalar": 256,
        "sliding_window": 4096,
        "sliding_window_pattern": 6,
        "_sliding_window_pattern": None,
        "layer_types": None,
        "rope_theta": 1e6,
        "rope_local_base_freq": 1e4,
        "rope_scaling": None,
        "rope_parameters": None,
        "attn_logit_softcapping": None,
        "final_logit_softcapping": None,
        "attention_bias": False,
        "rms_norm_eps": 1e-6,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    fixed = {"use_bidirectional_attention": (None, False)}
    harmless = ("max_position_embeddings", "cache_implementation")
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
        "sliding_window_pattern": 3,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        every = c["_sliding_window_pattern"] or c["sliding_window_pattern"]
        types = c["layer_types"] or [SLIDING if (n + 1) % every else FULL for n in range(c["num_hidden_layers"])]
        norm = {"kind": "rms", "weight": "one_plus", "eps": c["rms_norm_eps"]}
        block = merged(
            {"topology": "decoder", "norm": norm, "placement": "sandwich", "head": {"kind": "lm"}},
            {"attention": {"kind": "full", "scale": c["query_pre_attn_scalar"] ** -0.5, "qk_norm": norm}},
            nested(KEYS, c),
            {
                "feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_activation")},
                "embedding": {"kind": "tokens", "scale": True},
                "position": _rotary(c, FULL),
            },
        )
        layered = windowed(types, block["attention"], c["sliding_window"])
        if "layer_types" in layered:
            layered["layer_types"]["sliding"]["position"] = _rotary(c, SLIDING)
        return {**block, **layered}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        types = types_of(model)
        local = next((layer for layer, one in zip(layers_of(model), types, strict=True) if one == SLIDING), model)
        activation = NEWER_ACTIVATION_NAMES[model["feedforward"]["activation"]]
        return {
            **flat(KEYS, model),
            **rope_settings(model["position"]),
            "rope_local_base_freq": local["position"]["base"],
            "num_hidden_layers": len(types),
            "layer_types": types,
            "sliding_window": window_of(model) or self.settings["sliding_window"],
            "query_pre_attn_scalar": pre_attention_scalar(model),
            "hidden_activation": activation,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, SANDWICH),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *weights(f"{THEIRS}.self_attn.q_norm", f"{OURS}.attention.q_norm"),
                *weights(f"{THEIRS}.self_attn.k_norm", f"{OURS}.attention.k_norm"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )


def _rotary(config: Mapping[str, Any], which: str) -> dict[str, Any]:
    """The positions of the layers with or without a window. Only those without are ever scaled in older files."""
    whole = which == FULL
    given = (config["rope_parameters"] or {}).get(which)
    if given is None and whole:
        given = config["rope_scaling"]
    return rotary({"rope_theta": config["rope_theta" if whole else "rope_local_base_freq"], "rope_parameters": given})
