"""Checkpoints of SmolLM3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, layers_of, merged, nested, repeated
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.windows import FULL, SLIDING, types_of, window_of
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "attention_bias": "attention.bias",
    "mlp_bias": "feedforward.bias",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "smollm3", paper="Hugging Face 2025 (SmolLM3); transformers' SmolLM3ForCausalLM")
class SmolLM3(Conversion):
    """SmolLM3: Llama in which every fourth layer has no positions."""

    model_type = "smollm3"
    architectures = ("SmolLM3ForCausalLM",)
    settings = {
        **ROPE,
        "rope_theta": 2e6,
        "vocab_size": 128256,
        "hidden_size": 2048,
        "intermediate_size": 11008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 4,
        "hidden_act": "silu",
        "no_rope_layers": None,
        "no_rope_layer_interval": 4,
        "use_sliding_window": False,
        "sliding_window": None,
        "layer_types": None,
        "attention_bias": False,
        "mlp_bias": False,
        "rms_norm_eps": 1e-6,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    harmless = ("max_position_embeddings", "max_window_layers", "pretraining_tp")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "no_rope_layer_interval": 2,
        "use_sliding_window": True,
        "sliding_window": 4,
        "rope_theta": 500.0,
        "pad_token_id": 0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        every, count = c["no_rope_layer_interval"], c["num_hidden_layers"]
        turned = c["no_rope_layers"] or [int((n + 1) % every != 0) for n in range(count)]
        window = c["sliding_window"] if c["use_sliding_window"] else None
        sliding = [FULL if t or window is None else SLIDING for t in turned]
        kinds = list(zip(c["layer_types"] or sliding, turned, strict=True))
        block = merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "rms"}, "placement": "pre"},
            {"head": {"kind": "lm"}, "position": rotary(c)},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )
        types = {_name(*kind): _type(*kind, block["attention"], window) for kind in dict.fromkeys(kinds)}
        return {**block, "layers": repeated([_name(*kind) for kind in kinds]), "layer_types": types}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        positions = [layer["position"] for layer in layers_of(model)]
        turned = next((p for p in positions if p["kind"] == "rotary"), None)
        return {
            **({} if turned is None else rope_settings(turned)),
            **flat(KEYS, model),
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "num_hidden_layers": len(positions),
            "no_rope_layers": [int(p["kind"] == "rotary") for p in positions],
            "layer_types": types_of(model),
            "sliding_window": window_of(model),
            "use_sliding_window": window_of(model) is not None,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )


def _name(kind: str, turned: int) -> str:
    """A name for layers of a kind."""
    return ("window" if kind == SLIDING else "full") + ("" if turned else "_nope")


def _type(kind: str, turned: int, attention: Mapping[str, Any], window: int | None) -> dict[str, Any]:
    """What sets layers of a kind apart."""
    local = {"attention": {**attention, "window": window}} if kind == SLIDING else {}
    return local if turned else {**local, "position": {"kind": "none"}}
