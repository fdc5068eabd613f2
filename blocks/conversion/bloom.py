"""Checkpoints of BLOOM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.names import joined, pair
from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule, Tied, weights
from registry import part

KEYS: Keys = {
    "vocab_size": "vocab",
    "hidden_size": "dim",
    "n_layer": "layers",
    "n_head": "heads",
    "layer_norm_epsilon": "norm.eps",
    "hidden_dropout": "dropout",
    "attention_dropout": "attention.dropout",
    "tie_word_embeddings": "head.tied",
}
OLDER = {"n_embed": "hidden_size", "num_hidden_layers": "n_layer", "num_attention_heads": "n_head"}
"""Other words of older files for the same settings."""


@part("conversion", "bloom", paper="Scao et al. 2022, arXiv 2211.05100; transformers' BloomForCausalLM")
class Bloom(Conversion):
    """BLOOM and BLOOMZ: linear biases, a norm after the embedding, query, key and value in one matrix, head by head.

    Their gelu has sqrt(2 / pi) with eight digits, ours with all: a difference of 1e-9.
    """

    model_type = "bloom"
    architectures = ("BloomForCausalLM",)
    settings = {
        "vocab_size": 250880,
        "hidden_size": 64,
        "n_layer": 2,
        "n_head": 8,
        "layer_norm_epsilon": 1e-5,
        "hidden_dropout": 0.0,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    fixed = {"apply_residual_connection_post_layernorm": False}
    # how the matrices were cut into pieces for training, and the precision of the softmax
    harmless = (
        *OLDER,
        "pretraining_tp",
        "slow_but_exact",
        "seq_length",
        "offset_alibi",
        "attention_softmax_in_fp32",
        "masked_softmax_fusion",
        "bias_dropout_fusion",
        "skip_bias_add",
        "skip_bias_add_qkv",
        "hidden_dropout_prob",
        "n_inner",
    )
    prefix = "transformer."
    tiny = {"vocab_size": 19, "hidden_size": 12, "n_layer": 2, "n_head": 3}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        older = {new: config[old] for old, new in OLDER.items() if old in config and new not in config}
        c = self.read({**config, **older})
        norm = {"kind": "layer", "eps": c["layer_norm_epsilon"]}
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "position": "alibi", "norm": norm},
            {"placement": "pre", "embedding": {"kind": "tokens", "norm": norm}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "mlp", "activation": "gelu_tanh", "hidden": 4 * c["hidden_size"]}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return flat(KEYS, model)

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "transformer.h.{n}", "stack.layers.{n}"
        return [
            Rule("transformer.word_embeddings.weight", "embedding.table.weight"),
            *weights("transformer.word_embeddings_layernorm", "embedding.norm"),
            *weights(f"{theirs}.input_layernorm", f"{ours}.placement.in_norms.0"),
            *joined(
                f"{theirs}.self_attention.query_key_value",
                f"{ours}.attention",
                "(h (d + d + d)) i -> (h d) i, (h d) i, (h d) i",
            ),
            *weights(f"{theirs}.self_attention.dense", f"{ours}.attention.out"),
            *weights(f"{theirs}.post_attention_layernorm", f"{ours}.placement.in_norms.1"),
            *pair(f"{theirs}.mlp", f"{ours}.feedforward", "dense_h_to_4h", "dense_4h_to_h"),
            *weights("transformer.ln_f", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "transformer.word_embeddings.weight"),
        ]
