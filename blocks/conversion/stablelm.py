"""Checkpoints of StableLM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, gated, norms, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "hidden_dropout": "dropout",
    "layer_norm_eps": "norm.eps",
}
QKV = ["query", "key", "value"]


@part("conversion", "stablelm", paper="Bellagente et al. 2024, arXiv 2402.17834; transformers' StableLmForCausalLM")
class StableLM(Conversion):
    """StableLM 3B and 2: layer norms, partial rotary positions; in the 12B parallel sublayers, norms of each head."""

    model_type = "stablelm"
    architectures = ("StableLmForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 50304,
        "hidden_size": 2560,
        "intermediate_size": 6912,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "hidden_act": "silu",
        "partial_rotary_factor": 0.25,
        "use_qkv_bias": False,
        "qk_layernorm": False,
        "use_parallel_residual": False,
        "layer_norm_eps": 1e-5,
        "hidden_dropout": 0.0,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
    }
    harmless = ("max_position_embeddings",)
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 32,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "partial_rotary_factor": 0.5,
        "qk_layernorm": True,
        "use_parallel_residual": True,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        norm = {"kind": "layer", "bias": False, "eps": c["layer_norm_eps"]}
        of_heads = {"qk_norm": norm, "qk_norm_over": "each_head"} if c["qk_layernorm"] else {}
        attention = {"kind": "full", "bias": QKV if c["use_qkv_bias"] else False, **of_heads}
        return merged(
            {"topology": "decoder", "attention": attention, "norm": {"kind": "layer"}, "head": {"kind": "lm"}},
            {"position": rotary(c), "placement": "parallel" if c["use_parallel_residual"] else "pre"},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        attention = model["attention"]
        return {
            **rope_settings(model["position"]),
            **flat(KEYS, model),
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "partial_rotary_factor": model["position"]["fraction"],
            "use_qkv_bias": bool(attention["bias"]),
            "qk_layernorm": attention["qk_norm"] is not None,
            "use_parallel_residual": model["placement"]["kind"] == "parallel",
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        places = {"input_layernorm": "norms.0"} if model["placement"]["kind"] == "parallel" else PRE
        return decoder(
            [
                *norms(THEIRS, OURS, places),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *weights(f"{THEIRS}.self_attn.q_layernorm.norms.{{h}}", f"{OURS}.attention.q_norm.norms.{{h}}"),
                *weights(f"{THEIRS}.self_attn.k_layernorm.norms.{{h}}", f"{OURS}.attention.k_norm.norms.{{h}}"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )
