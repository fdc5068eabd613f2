"""Checkpoints of GPT-2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part


@part("conversion", "gpt2", paper="Radford et al. 2019; names and settings of transformers' GPT2LMHeadModel")
class GPT2(Conversion):
    """GPT-2: pre-norm decoder, learned positions, query, key and value in one matrix, matrices stored as (in, out).

    Also DistilGPT-2, DialoGPT and other models of the same code. Not the variants of Stanford's Mistral project, which
    divide the scores by the number of the layer (scale_attn_by_inverse_layer_idx, reorder_and_upcast_attn).
    """

    model_type = "gpt2"
    architectures = ("GPT2LMHeadModel",)
    settings = {
        "vocab_size": 50257,
        "n_positions": 1024,
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "n_inner": None,
        "activation_function": "gelu_new",
        "resid_pdrop": 0.1,
        "embd_pdrop": 0.1,
        "attn_pdrop": 0.1,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
    }
    fixed = {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False, "reorder_and_upcast_attn": False}
    # n_ctx repeats n_positions
    harmless = ("n_ctx", "summary_*")
    prefix = "transformer."
    tiny = {"vocab_size": 19, "n_positions": 24, "n_embd": 12, "n_layer": 2, "n_head": 3, "n_inner": 20}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        norm = {"kind": "layer", "eps": c["layer_norm_epsilon"]}
        activation = self.choose(ACTIVATIONS, c, "activation_function")
        return {
            "topology": "decoder",
            "dim": c["n_embd"],
            "layers": c["n_layer"],
            "heads": c["n_head"],
            "vocab": c["vocab_size"],
            "attention": {"kind": "full", "dropout": c["attn_pdrop"]},
            "position": {"kind": "learned", "length": c["n_positions"]},
            "norm": norm,
            "placement": "pre",
            "feedforward": {"kind": "mlp", "hidden": c["n_inner"], "activation": activation},
            "embedding": {"kind": "tokens", "dropout": c["embd_pdrop"]},
            "head": {"kind": "lm", "tied": c["tie_word_embeddings"]},
            "dropout": c["resid_pdrop"],
            "init": "gpt2",
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "vocab_size": model["vocab"],
            "n_positions": model["position"]["length"],
            "n_embd": model["dim"],
            "n_layer": model["layers"],
            "n_head": model["heads"],
            "n_inner": model["feedforward"]["hidden"],
            "activation_function": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "resid_pdrop": model["dropout"],
            "embd_pdrop": model["embedding"]["dropout"],
            "attn_pdrop": model["attention"]["dropout"],
            "layer_norm_epsilon": model["norm"]["eps"],
            "tie_word_embeddings": model["head"]["tied"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "transformer.h.{n}", "stack.layers.{n}"
        return [
            Rule("transformer.wte.weight", "embedding.table.weight"),
            Rule("transformer.wpe.weight", "stack.positions.0.table.weight"),
            *weights(f"{theirs}.ln_1", f"{ours}.placement.in_norms.0"),
            *weights(
                f"{theirs}.attn.c_attn",
                [f"{ours}.attention.{name}" for name in ("query", "key", "value")],
                "i (h d + h d + h d) -> (h d) i, (h d) i, (h d) i",
            ),
            *weights(f"{theirs}.attn.c_proj", f"{ours}.attention.out", "i o -> o i"),
            *weights(f"{theirs}.ln_2", f"{ours}.placement.in_norms.1"),
            *weights(f"{theirs}.mlp.c_fc", f"{ours}.feedforward.inner", "i o -> o i"),
            *weights(f"{theirs}.mlp.c_proj", f"{ours}.feedforward.outer", "i o -> o i"),
            *weights("transformer.ln_f", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "transformer.wte.weight"),
            Ignored(f"{theirs}.attn.bias"),
            Ignored(f"{theirs}.attn.masked_bias"),
        ]
