"""Checkpoints of OLMo 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, layers_of, merged, nested
from blocks.conversion.names import OURS, THEIRS, decoder, gated, norms, projections
from blocks.conversion.olmo2 import AFTER
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import weights
from blocks.conversion.windows import FULL, SLIDING, types_of, window_of, windowed
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {**DECODER, "attention_bias": "attention.bias", "rms_norm_eps": "norm.eps"}


@part("conversion", "olmo3", paper="OLMo Team 2025 (OLMo 3); transformers' Olmo3ForCausalLM")
class Olmo3(Conversion):
    """OLMo 3: OLMo 2 with a window in three layers of four, whose positions are not scaled."""

    model_type = "olmo3"
    architectures = ("Olmo3ForCausalLM",)
    settings = {
        **ROPE,
        "rope_theta": 500000.0,
        "vocab_size": 50304,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "hidden_act": "silu",
        "sliding_window": 4096,
        "layer_types": None,
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
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "sliding_window": 5,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        types = c["layer_types"] or [SLIDING if (n + 1) % 4 else FULL for n in range(c["num_hidden_layers"])]
        norm = {"kind": "rms", "eps": c["rms_norm_eps"]}
        block = merged(
            {"topology": "decoder", "norm": norm, "position": _rotary(c, FULL), "placement": "reordered"},
            {"attention": {"kind": "full", "qk_norm": norm, "qk_norm_over": "projection"}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )
        layered = windowed(types, block["attention"], c["sliding_window"])
        if "layer_types" in layered:
            layered["layer_types"]["sliding"]["position"] = _rotary(c, SLIDING)
        return {**block, **layered}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        types = types_of(model)
        turns = {one: rope_settings(layer["position"]) for one, layer in zip(types, layers_of(model), strict=True)}
        # for transformers since 5, where each kind of layer has positions of its own
        own = {one: {"rope_type": "default", **(t["rope_scaling"] or {}), **t} for one, t in turns.items()}
        own = {one: {k: v for k, v in t.items() if k != "rope_scaling"} for one, t in own.items()}
        return {
            **flat(KEYS, model),
            **turns.get(FULL, rope_settings(model["position"])),
            "rope_parameters": own,
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "num_hidden_layers": len(types),
            "layer_types": types,
            "sliding_window": window_of(model) or self.settings["sliding_window"],
        }

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


def _rotary(config: Mapping[str, Any], which: str) -> dict[str, Any]:
    """The positions of the layers with or without a window; in older files only the latter are ever scaled."""
    given = (config["rope_parameters"] or {}).get(which)
    if given is None and which == FULL:
        given = config["rope_scaling"]
    known = {"max_position_embeddings": config.get("max_position_embeddings")}
    return rotary({**known, "rope_theta": config["rope_theta"], "rope_parameters": given})
