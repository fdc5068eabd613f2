"""Checkpoints of Arcee's AFM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import OURS, PRE, THEIRS, decoder, norms, pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "head_dim": "attention.head_dim",
    "attention_bias": "attention.bias",
    "mlp_bias": "feedforward.bias",
    "rms_norm_eps": "norm.eps",
}


@part("conversion", "arcee", paper="Arcee AI 2025 (AFM-4.5B); transformers' ArceeForCausalLM")
class Arcee(Conversion):
    """AFM-4.5B: Llama with squared relu in place of the gated feed-forward."""

    model_type = "arcee"
    architectures = ("ArceeForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 32000,
        "hidden_size": 2560,
        "intermediate_size": 18432,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": None,
        "head_dim": None,
        "hidden_act": "relu2",
        "attention_bias": False,
        "mlp_bias": False,
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
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 6,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "rms"}, "placement": "pre"},
            {"position": rotary(c), "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "mlp", "activation": self.choose(ACTIVATIONS, c, "hidden_act")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        activation = ACTIVATION_NAMES[model["feedforward"]["activation"]]
        return {**rope_settings(model["position"]), **flat(KEYS, model), "hidden_act": activation}

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return decoder(
            [
                *norms(THEIRS, OURS, PRE),
                *projections(f"{THEIRS}.self_attn", f"{OURS}.attention"),
                *pair(f"{THEIRS}.mlp", f"{OURS}.feedforward", "up_proj", "down_proj"),
            ]
        )
