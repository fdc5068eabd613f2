"""Checkpoints of Hunyuan's dense models."""

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
    "head_dim": "attention.head_dim",
    "attention_bias": "attention.bias",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "hunyuan_v1_dense", paper="Tencent 2025 (Hunyuan); transformers' HunYuanDenseV1ForCausalLM")
class HunyuanDense(Conversion):
    """Hunyuan 0.5B to 7B: Llama with a norm of each head's queries and keys, after positions have turned them.

    The files' "dynamic" scaling with an alpha does not depend on the length: it is the scaling `ntk`.
    """

    model_type = "hunyuan_v1_dense"
    architectures = ("HunYuanDenseV1ForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 290943,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "head_dim": None,
        "hidden_act": "silu",
        "attention_bias": False,
        "rms_norm_eps": 1e-5,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
    }
    fixed = {"use_qk_norm": True, "use_cla": False, "mlp_bias": False}
    harmless = ("max_position_embeddings", "pretraining_tp", "attention_head_dim", "org_vocab_size", "norm_type")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 16,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 6,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        norm = {"kind": "rms", "eps": c["rms_norm_eps"]}
        return merged(
            {"topology": "decoder", "norm": norm, "position": _rotary(c), "placement": "pre", "head": {"kind": "lm"}},
            {"attention": {"kind": "full", "qk_norm": norm, "rotate_first": True}},
            nested(KEYS, c),
            {"feedforward": {"kind": "glu", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **_settings(model["position"]),
            **flat(KEYS, model),
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *weights(f"{THEIRS}.self_attn.query_layernorm", f"{OURS}.attention.q_norm"),
                *weights(f"{THEIRS}.self_attn.key_layernorm", f"{OURS}.attention.k_norm"),
                *gated(f"{THEIRS}.mlp", f"{OURS}.feedforward"),
            ]
        )


def _rotary(config: Mapping[str, Any]) -> dict[str, Any]:
    """The positions of a file."""
    given = config["rope_parameters"] or config["rope_scaling"] or {}
    if not given.get("alpha"):
        return rotary(config)
    base = given.get("rope_theta", config["rope_theta"])
    return {**rotary({"rope_theta": base}), "scaling": {"kind": "ntk", "factor": float(given["alpha"])}}


def _settings(position: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that say the same."""
    scaling = position["scaling"]
    if scaling is None or scaling["kind"] != "ntk":
        return rope_settings(position)
    # a factor is asked for and not used
    stretched = {"rope_type": "dynamic", "type": "dynamic", "alpha": scaling["factor"], "factor": 1.0}
    return {"rope_theta": position["base"], "rope_scaling": stretched}
