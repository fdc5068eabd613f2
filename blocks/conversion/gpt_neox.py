"""Checkpoints of GPT-NeoX and Pythia."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.names import joined, pair
from blocks.conversion.plan import Line
from blocks.conversion.rope import rope_settings, rotary
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

PLACEMENTS = {True: {"kind": "parallel", "norms": "separate"}, False: {"kind": "pre"}}
"""use_parallel_residual -> our block."""


@part("conversion", "gpt_neox", paper="Black et al. 2022, arXiv 2204.06745; transformers' GPTNeoXForCausalLM")
class GPTNeoX(Conversion):
    """GPT-NeoX, Pythia, RedPajama-INCITE, StableLM alpha, Dolly 2: partial rotary positions, parallel sublayers.

    Query, key and value stand in one matrix, head by head.
    """

    model_type = "gpt_neox"
    architectures = ("GPTNeoXForCausalLM",)
    keys: Keys = {
        "vocab_size": "vocab",
        "hidden_size": "dim",
        "num_hidden_layers": "layers",
        "num_attention_heads": "heads",
        "intermediate_size": "feedforward.hidden",
        "attention_dropout": "attention.dropout",
        "attention_bias": "attention.bias",
        "hidden_dropout": "dropout",
        "layer_norm_eps": "norm.eps",
        "tie_word_embeddings": "head.tied",
    }
    settings = {
        "vocab_size": 50432,
        "hidden_size": 6144,
        "num_hidden_layers": 44,
        "num_attention_heads": 64,
        "intermediate_size": 24576,
        "hidden_act": "gelu",
        "rotary_pct": 0.25,
        "rotary_emb_base": 10000.0,
        "rope_scaling": None,
        "rope_parameters": None,
        "attention_dropout": 0.0,
        "attention_bias": True,
        "hidden_dropout": 0.0,
        "layer_norm_eps": 1e-5,
        "use_parallel_residual": True,
        "tie_word_embeddings": False,
    }
    harmless = ("max_position_embeddings", "classifier_dropout", "attention_probs_dropout_prob", "hidden_dropout_prob")
    prefix = "gpt_neox."
    renamed = {"embed_out.": "lm_head."}
    tiny = {
        "vocab_size": 19,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 20,
        "rotary_pct": 0.5,
        "rotary_emb_base": 500,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        given = {**c, "rope_theta": c["rotary_emb_base"], "partial_rotary_factor": c["rotary_pct"]}
        return merged(
            {"topology": "decoder", "attention": {"kind": "full"}, "norm": {"kind": "layer"}, "head": {"kind": "lm"}},
            nested(self.keys, c),
            {
                "position": rotary(given),
                "placement": self.choose(PLACEMENTS, c, "use_parallel_residual"),
                "feedforward": {"kind": "mlp", "activation": self.choose(ACTIVATIONS, c, "hidden_act")},
            },
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        rope = rope_settings(model["position"])
        return {
            **flat(self.keys, model),
            "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "rotary_pct": model["position"]["fraction"],
            "rotary_emb_base": rope["rope_theta"],
            "rope_scaling": rope["rope_scaling"],
            "use_parallel_residual": model["placement"]["kind"] == "parallel",
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "gpt_neox.layers.{n}", "stack.layers.{n}"
        norms = "norms" if model["placement"]["kind"] == "parallel" else "in_norms"
        return [
            Rule("gpt_neox.embed_in.weight", "embedding.table.weight"),
            *weights(f"{theirs}.input_layernorm", f"{ours}.placement.{norms}.0"),
            *weights(f"{theirs}.post_attention_layernorm", f"{ours}.placement.{norms}.1"),
            *joined(
                f"{theirs}.attention.query_key_value",
                f"{ours}.attention",
                "(h (d + d + d)) i -> (h d) i, (h d) i, (h d) i",
            ),
            *weights(f"{theirs}.attention.dense", f"{ours}.attention.out"),
            *pair(f"{theirs}.mlp", f"{ours}.feedforward", "dense_h_to_4h", "dense_4h_to_h"),
            *weights("gpt_neox.final_layer_norm", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "gpt_neox.embed_in.weight"),
            Ignored(f"{theirs}.attention.bias"),
            Ignored(f"{theirs}.attention.masked_bias"),
            Ignored(f"{theirs}.attention.rotary_emb.inv_freq"),
        ]
