"""Checkpoints of GPT-BigCode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.names import joined, pair
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATIONS, NEWER_ACTIVATION_NAMES
from registry import part

KEYS: Keys = {
    "vocab_size": "vocab",
    "n_positions": "position.length",
    "n_embd": "dim",
    "n_layer": "layers",
    "n_head": "heads",
    "n_inner": "feedforward.hidden",
    "resid_pdrop": "dropout",
    "embd_pdrop": "embedding.dropout",
    "attn_pdrop": "attention.dropout",
    "layer_norm_epsilon": "norm.eps",
    "tie_word_embeddings": "head.tied",
}


@part("conversion", "gpt_bigcode", paper="Ben Allal et al. 2023, arXiv 2301.03988; transformers' GPTBigCodeForCausalLM")
class GPTBigCode(Conversion):
    """SantaCoder, StarCoder: GPT-2 with one key-value head, and matrices stored as (out, in)."""

    model_type = "gpt_bigcode"
    architectures = ("GPTBigCodeForCausalLM",)
    settings = {
        "vocab_size": 50257,
        "n_positions": 1024,
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "n_inner": None,
        "activation_function": "gelu_pytorch_tanh",
        "multi_query": True,
        "scale_attn_weights": True,
        "resid_pdrop": 0.1,
        "embd_pdrop": 0.1,
        "attn_pdrop": 0.1,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
    }
    # the precision of the softmax, how weights are kept while generating, and what follows from multi_query
    harmless = (
        "attention_softmax_in_fp32",
        "scale_attention_softmax_in_fp32",
        "inference_runner",
        "max_batch_size",
        "max_sequence_length",
        "num_key_value_heads",
        "pad_key_length",
        "pre_allocate_kv_cache",
        "validate_runner_input",
        "summary_*",
    )
    prefix = "transformer."
    tiny = {"vocab_size": 19, "n_positions": 24, "n_embd": 12, "n_layer": 2, "n_head": 3, "n_inner": 20}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        kv_heads = 1 if c["multi_query"] else None
        attention = {"kind": "full", "kv_heads": kv_heads, "scale": None if c["scale_attn_weights"] else 1.0}
        return merged(
            {"topology": "decoder", "attention": attention, "position": {"kind": "learned"}, "placement": "pre"},
            {"norm": {"kind": "layer"}, "embedding": {"kind": "tokens"}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {"feedforward": {"kind": "mlp", "activation": self.choose(ACTIVATIONS, c, "activation_function")}},
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **flat(KEYS, model),
            "activation_function": NEWER_ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "multi_query": model["attention"]["kv_heads"] == 1,
            "scale_attn_weights": model["attention"]["scale"] is None,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "transformer.h.{n}", "stack.layers.{n}"
        apart = "(h (d + d + d)) i -> (h d) i, (h d) i, (h d) i"
        shared = "(h d + g d + g d) i -> (h d) i, (g d) i, (g d) i"
        layout = shared if model["attention"]["kv_heads"] == 1 else apart
        return [
            Rule("transformer.wte.weight", "embedding.table.weight"),
            Rule("transformer.wpe.weight", "stack.positions.0.table.weight"),
            *weights(f"{theirs}.ln_1", f"{ours}.placement.in_norms.0"),
            *joined(f"{theirs}.attn.c_attn", f"{ours}.attention", layout),
            *weights(f"{theirs}.attn.c_proj", f"{ours}.attention.out"),
            *weights(f"{theirs}.ln_2", f"{ours}.placement.in_norms.1"),
            *pair(f"{theirs}.mlp", f"{ours}.feedforward", "c_fc", "c_proj"),
            *weights("transformer.ln_f", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "transformer.wte.weight"),
            Ignored(f"{theirs}.attn.bias"),
            Ignored(f"{theirs}.attn.masked_bias"),
        ]
