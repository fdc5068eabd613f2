"""Checkpoints of StarCoder 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import DECODER, Keys, flat, merged, nested
from blocks.conversion.names import pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rope import ROPE, rope_settings, rotary
from blocks.conversion.rule import Rule, Tied, weights
from blocks.conversion.words import ACTIVATIONS, NEWER_ACTIVATION_NAMES
from registry import part

KEYS: Keys = {
    **DECODER,
    "num_hidden_layers": "layers",
    "sliding_window": "attention.window",
    "use_bias": "attention.bias",
    "norm_epsilon": "norm.eps",
    "residual_dropout": "dropout",
    "embedding_dropout": "embedding.dropout",
}


@part("conversion", "starcoder2", paper="Lozhkov et al. 2024, arXiv 2402.19173; transformers' Starcoder2ForCausalLM")
class Starcoder2(Conversion):
    """StarCoder 2: layer norms and biases, grouped queries, rotary positions, a sliding window."""

    model_type = "starcoder2"
    architectures = ("Starcoder2ForCausalLM",)
    settings = {
        **ROPE,
        "vocab_size": 49152,
        "hidden_size": 3072,
        "intermediate_size": 12288,
        "num_hidden_layers": 30,
        "num_attention_heads": 24,
        "num_key_value_heads": 2,
        "hidden_act": "gelu_pytorch_tanh",
        "sliding_window": None,
        "use_bias": True,
        "norm_epsilon": 1e-5,
        "attention_dropout": 0.0,
        "residual_dropout": 0.0,
        "embedding_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    fixed = {"mlp_type": "default", "norm_type": "layer_norm"}
    harmless = ("max_position_embeddings", "attention_softmax_in_fp32", "scale_attention_softmax_in_fp32")
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "intermediate_size": 20,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "sliding_window": 5,
        "rope_theta": 500.0,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        activation = self.choose(ACTIVATIONS, c, "hidden_act")
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "layer"}, "placement": "pre"},
            {"embedding": {"kind": "tokens"}, "head": {"kind": "lm"}, "position": rotary(c)},
            nested(KEYS, c),
            {"feedforward": {"kind": "mlp", "activation": activation, "bias": c["use_bias"]}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        activation = NEWER_ACTIVATION_NAMES[model["feedforward"]["activation"]]
        return {**rope_settings(model["position"]), **flat(KEYS, model), "hidden_act": activation}

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "model.layers.{n}", "stack.layers.{n}"
        return [
            Rule("model.embed_tokens.weight", "embedding.table.weight"),
            *weights(f"{theirs}.input_layernorm", f"{ours}.placement.in_norms.0"),
            *projections(f"{theirs}.self_attn", f"{ours}.attention"),
            *weights(f"{theirs}.post_attention_layernorm", f"{ours}.placement.in_norms.1"),
            *pair(f"{theirs}.mlp", f"{ours}.feedforward", "c_fc", "c_proj"),
            *weights("model.norm", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "model.embed_tokens.weight"),
        ]
