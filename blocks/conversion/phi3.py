"""Checkpoints of Phi-3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, joined, joined_gate, norms
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "sliding_window": "attention.window",
    "resid_pdrop": "dropout",
    "embd_pdrop": "embedding.dropout",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "phi3", paper="Abdin et al. 2024, arXiv 2404.14219; transformers' Phi3ForCausalLM")
class Phi3(Conversion):
    """Phi-3 mini and medium, 3.5 mini, Phi-4: Llama with joined matrices and, for long texts, LongRoPE.

    Which of LongRoPE's two lists of factors is used depends on the length of the batch in transformers, and on the
    option `use` of the spec here: long wherever the file extends the length of pre-training, unless changed.
    """

    model_type = "phi3"
    architectures = ("Phi3ForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 32064,
        "hidden_size": 3072,
        "intermediate_size": 8192,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "hidden_act": "silu",
        "partial_rotary_factor": 1.0,
        "max_position_embeddings": 4096,
        "original_max_position_embeddings": 4096,
        "sliding_window": None,
        "rms_norm_eps": 1e-5,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
    }
    fixed = {"attention_bias": False}
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "sliding_window": 5,
        "rope_theta": 100.0,
        "rope_scaling": {
            "type": "longrope",
            "short_factor": [1.1, 1.3, 1.7],
            "long_factor": [1.5, 2.5, 7.0],
        },
        # shorter than the texts of tests, so that the long factors are used
        "original_max_position_embeddings": 4,
        "max_position_embeddings": 64,
        "pad_token_id": 0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return merged(
            {"topology": "decoder", "attention": {"kind": "full", "bias": False}, "norm": {"kind": "rms"}},
            {"position": _rotary(c), "placement": "pre", "embedding": {"kind": "tokens"}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **_settings(model["position"]),
            **flat(KEYS, model),
            "partial_rotary_factor": model["position"]["fraction"],
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *joined(f"{THEIRS}.self_attn.qkv_proj", f"{OURS}.attention"),
                *weights(f"{THEIRS}.self_attn.o_proj", f"{OURS}.attention.out"),
                *joined_gate(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )


def _rotary(config: Mapping[str, Any]) -> dict[str, Any]:
    """The positions of a file, scaled by LongRoPE or not at all."""
    given = dict(config["rope_parameters"] or config["rope_scaling"] or {})
    kind = given.pop("rope_type", given.pop("type", "default"))
    # earlier files call it by other names
    if kind not in ("longrope", "su", "yarn"):
        return rotary(config)
    length = config["original_max_position_embeddings"]
    scaling = {
        "kind": "longrope",
        "short": given.pop("short_factor"),
        "long": given.pop("long_factor"),
        "factor": given.pop("factor", None) or config["max_position_embeddings"] / length,
        "original_length": length,
        "attention": given.pop("attention_factor", None),
    }
    given.pop("original_max_position_embeddings", None)
    return {**rotary({**config, "rope_scaling": None, "rope_parameters": given}), "scaling": scaling}


def _settings(position: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that say the same."""
    scaling = position["scaling"]
    if scaling is None or scaling["kind"] != "longrope":
        return rope_settings(position)
    factors = {"type": "longrope", "short_factor": scaling["short"], "long_factor": scaling["long"]}
    if scaling["attention"] is not None:
        factors["attention_factor"] = scaling["attention"]
    return {
        "rope_theta": position["base"],
        "rope_scaling": factors,
        "original_max_position_embeddings": scaling["original_length"],
        "max_position_embeddings": round(scaling["factor"] * scaling["original_length"]),
    }
