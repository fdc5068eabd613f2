"""Checkpoints of GPT-Neo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, layers_of, merged, nested, repeated
from blocks.conversion.names import pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

KEYS: Keys = {
    "vocab_size": "vocab",
    "hidden_size": "dim",
    "num_heads": "heads",
    "intermediate_size": "feedforward.hidden",
    "max_position_embeddings": "position.length",
    "attention_dropout": "attention.dropout",
    "resid_dropout": "dropout",
    "embed_dropout": "embedding.dropout",
    "layer_norm_epsilon": "norm.eps",
    "tie_word_embeddings": "head.tied",
}


@part("conversion", "gpt_neo", paper="Black et al. 2021 (GPT-Neo); transformers' GPTNeoForCausalLM")
class GPTNeo(Conversion):
    """GPT-Neo: layers in turns with and without a window, learned positions, scores that are not scaled."""

    model_type = "gpt_neo"
    architectures = ("GPTNeoForCausalLM",)
    settings = {
        "vocab_size": 50257,
        "hidden_size": 2048,
        "attention_types": None,
        "num_heads": 16,
        "intermediate_size": None,
        "window_size": 256,
        "activation_function": "gelu_new",
        "max_position_embeddings": 2048,
        "attention_dropout": 0.0,
        "resid_dropout": 0.0,
        "embed_dropout": 0.0,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
    }
    # num_layers and attention_layers repeat attention_types
    harmless = ("attention_layers", "num_layers", "classifier_dropout", "summary_*")
    prefix = "transformer."
    tiny = {
        "vocab_size": 19,
        "hidden_size": 12,
        "num_layers": 3,
        "attention_types": [[["global", "local"], 1], [["local"], 1]],
        "num_heads": 3,
        "intermediate_size": 20,
        "window_size": 4,
        "max_position_embeddings": 24,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        runs = c["attention_types"] or [[["global", "local"], 12]]
        whole = {"kind": "full", "scale": 1.0, "bias": ["out"], "dropout": c["attention_dropout"]}
        types = {"global": {"attention": whole}, "local": {"attention": {**whole, "window": c["window_size"]}}}
        return merged(
            {"topology": "decoder", "attention": whole, "placement": "pre", "embedding": {"kind": "tokens"}},
            {"position": {"kind": "learned"}, "norm": {"kind": "layer"}, "head": {"kind": "lm"}},
            nested(KEYS, c),
            {
                "feedforward": {"kind": "mlp", "activation": self.choose(ACTIVATIONS, c, "activation_function")},
                "layers": repeated([name for names, times in runs for name in names * times]),
                "layer_types": types,
            },
        )

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        windows = [layer["attention"]["window"] for layer in layers_of(model)]
        return {
            **flat(KEYS, model),
            "num_layers": len(windows),
            "attention_types": [[["local" if window else "global" for window in windows], 1]],
            "window_size": next(filter(None, windows), 256),
            "activation_function": ACTIVATION_NAMES[model["feedforward"]["activation"]],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "transformer.h.{n}", "stack.layers.{n}"
        return [
            Rule("transformer.wte.weight", "embedding.table.weight"),
            Rule("transformer.wpe.weight", "stack.positions.0.table.weight"),
            *weights(f"{theirs}.ln_1", f"{ours}.placement.in_norms.0"),
            *projections(f"{theirs}.attn.attention", f"{ours}.attention", out="out_proj"),
            *weights(f"{theirs}.ln_2", f"{ours}.placement.in_norms.1"),
            *pair(f"{theirs}.mlp", f"{ours}.feedforward", "c_fc", "c_proj"),
            *weights("transformer.ln_f", "stack.norm"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "transformer.wte.weight"),
            Ignored(f"{theirs}.attn.attention.bias"),
            Ignored(f"{theirs}.attn.attention.masked_bias"),
        ]
