"""Checkpoints of EXAONE 4.0."""

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

KEYS: Keys = {**DECODER, "head_dim": "attention.head_dim", "rms_norm_eps": "norm.eps"}
NOWHERE = {"kind": "none"}


@part("conversion", "exaone4", paper="LG AI Research 2025, arXiv 2507.11407; transformers' Exaone4ForCausalLM")
class Exaone4(Conversion):
    """EXAONE 4.0: norms after the sublayers and of queries and keys.

    32B has a window and rotary positions in three layers of four and neither in the rest; 1.2B has no windows, and
    positions everywhere.
    """

    model_type = "exaone4"
    architectures = ("Exaone4ForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 102400,
        "hidden_size": 4096,
        "intermediate_size": 16384,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "head_dim": None,
        "hidden_act": "silu",
        "sliding_window": 4096,
        "sliding_window_pattern": 4,
        "layer_types": None,
        "rms_norm_eps": 1e-5,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
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
        "sliding_window": 5,
        "sliding_window_pattern": 2,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        norm = {"kind": "rms", "eps": c["rms_norm_eps"]}
        block = merged(
            {"topology": "decoder", "norm": norm, "position": rotary(c), "placement": "reordered"},
            {"attention": {"kind": "full", "bias": False, "qk_norm": norm}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )
        layered = windowed(_types(c), block["attention"], c["sliding_window"])
        if "layer_types" in layered:
            layered["layer_types"]["full"]["position"] = NOWHERE
        elif c["sliding_window"] is not None:
            block["position"] = NOWHERE
        return {**block, **layered}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        turned = next((p for layer in layers_of(model) if (p := layer["position"])["kind"] == "rotary"), None)
        # without a window anywhere a number in its place would say that positions are nowhere
        window = window_of(model) or (self.settings["sliding_window"] if turned is None else None)
        return {
            **({} if turned is None else rope_settings(turned)),
            **flat(KEYS, model),
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "num_hidden_layers": len(types_of(model)),
            "layer_types": types_of(model),
            "sliding_window": window,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, AFTER),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *weights(f"{THEIRS}.self_attn.q_norm", f"{OURS}.attention.q_norm"),
                *weights(f"{THEIRS}.self_attn.k_norm", f"{OURS}.attention.k_norm"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )


def _types(config: Mapping[str, Any]) -> list[str]:
    """The type of each layer. The pattern, of which some files make a word such as LLLG, then says nothing more."""
    count, every = config["num_hidden_layers"], config["sliding_window_pattern"]
    if config["layer_types"]:
        return list(config["layer_types"])
    if config["sliding_window"] is None:
        return [FULL] * count
    return [SLIDING if (n + 1) % every else FULL for n in range(count)]
