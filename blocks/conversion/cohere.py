"""Checkpoints of Cohere's Command models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import Rule
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "attention_bias": "attention.bias",
    "logit_scale": "head.scale",
    "layer_norm_eps": "norm.eps",
}


@part("conversion", "cohere", paper="Cohere 2024 (Command R); transformers' CohereForCausalLM")
class Cohere(Conversion):
    """Command R, R+ and Aya 23: parallel sublayers behind one layer norm without bias, interleaved rotary positions.

    Logits have a factor; in R+ each head's queries and keys have a norm of their own.
    """

    model_type = "cohere"
    architectures = ("CohereForCausalLM",)
    settings = {
        **ROPE,
        "rope_theta": 500000.0,
        "vocab_size": 256000,
        "hidden_size": 8192,
        "intermediate_size": 22528,
        "num_hidden_layers": 40,
        "num_attention_heads": 64,
        "num_key_value_heads": None,
        "hidden_act": "silu",
        "logit_scale": 0.0625,
        "use_qk_norm": False,
        "attention_bias": False,
        "layer_norm_eps": 1e-5,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    harmless = ("max_position_embeddings", "model_max_length", "pretraining_tp")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "use_qk_norm": True,
        "logit_scale": 0.3,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        norm = {"kind": "layer", "bias": False, "eps": c["layer_norm_eps"]}
        of_heads = {"qk_norm": norm, "qk_norm_over": "each_head"} if c["use_qk_norm"] else {}
        return merged(
            {"topology": "decoder", "attention": {"kind": "full", **of_heads}, "norm": norm, "placement": "parallel"},
            {"position": rotary(c, layout="interleaved"), "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "use_qk_norm": model["attention"]["qk_norm"] is not None,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        own = f"{OURS}.attention"
        return decoder(
            [
                *norms(THEIRS, OURS, {"input_layernorm": "norms.0"}),
                *projections(f"{THEIRS}.self_attn", own),
                Rule(f"{THEIRS}.self_attn.q_norm.weight", f"{own}.q_norm.norms.{{h}}.weight", "h d -> d"),
                Rule(f"{THEIRS}.self_attn.k_norm.weight", f"{own}.k_norm.norms.{{g}}.weight", "g d -> d"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
