"""Weights of linear Transformers made by the authors' fast-transformers library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part
from registry.checkpoint_errors import CheckpointError


@part("conversion", "linear_transformer", paper="Katharopoulos et al. 2020, arXiv 2006.16236; idiap/fast-transformers")
class LinearTransformer(Conversion):
    """What TransformerEncoderBuilder makes, between a table of tokens and a matrix that predicts them.

    Settings are the builder's. Vectors and matrix are named as in the authors' image generator, which however puts
    positions beside its vectors, each half as wide, and predicts a mixture of logistics.
    """

    model_type = "linear_transformer"
    settings = {
        "vocab_size": 256,
        "n_layers": 4,
        "n_heads": 4,
        "query_dimensions": 64,
        "value_dimensions": 64,
        "feed_forward_dimensions": 1024,
        "attention_type": "linear",
        "activation": "relu",
        "dropout": 0.1,
        "final_normalization": True,
    }
    harmless = ("attention_dropout",)
    tiny = {
        "vocab_size": 19,
        "n_layers": 2,
        "n_heads": 3,
        "query_dimensions": 4,
        "value_dimensions": 4,
        "feed_forward_dimensions": 20,
        "attention_type": "causal-linear",
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        if c["query_dimensions"] != c["value_dimensions"]:
            raise CheckpointError(f"{self.name}: queries are as wide as values here: query_dimensions differs")
        return {
            "topology": self.choose(TOPOLOGIES, c, "attention_type"),
            "dim": c["value_dimensions"] * c["n_heads"],
            "layers": c["n_layers"],
            "heads": c["n_heads"],
            "vocab": c["vocab_size"],
            "attention": "linear",
            "position": "sinusoidal",
            "norm": "layer",
            "placement": "post",
            "final_norm": bool(c["final_normalization"]),
            "feedforward": {
                "kind": "mlp",
                "hidden": c["feed_forward_dimensions"],
                "activation": self.choose(ACTIVATIONS, c, "activation"),
                "dropout": c["dropout"],
            },
            "embedding": "tokens",
            "head": {"kind": "lm", "tied": False, "bias": True},
            "dropout": c["dropout"],
            "init": "torch",
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        width = model["dim"] // model["heads"]
        types = {topology: name for name, topology in TOPOLOGIES.items()}
        return {
            "vocab_size": model["vocab"],
            "n_layers": model["layers"],
            "n_heads": model["heads"],
            "query_dimensions": width,
            "value_dimensions": width,
            "feed_forward_dimensions": model["feedforward"]["hidden"] or 4 * model["dim"],
            "attention_type": types[model["topology"]],
            "activation": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "dropout": model["dropout"],
            "final_normalization": bool(model["final_norm"]),
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        lines: list[Line] = [
            Rule("value_embedding.weight", "embedding.table.weight"),
            *weights("transformer.norm", "stack.norm"),
            Rule("predictor.weight", "head.matrix.weight"),
            Rule("predictor.bias", "head.bias"),
        ]
        for theirs, ours in LAYER.items():
            lines += weights(f"transformer.layers.{{n}}.{theirs}", f"stack.layers.{{n}}.{ours}")
        return lines


TOPOLOGIES = {"linear": "encoder", "causal-linear": "decoder"}
"""attention_type -> our topology."""

LAYER = {
    "attention.query_projection": "attention.query",
    "attention.key_projection": "attention.key",
    "attention.value_projection": "attention.value",
    "attention.out_projection": "attention.out",
    "norm1": "placement.out_norms.0",
    "linear1": "feedforward.inner",
    "linear2": "feedforward.outer",
    "norm2": "placement.out_norms.1",
}
"""Modules of a layer, theirs and ours."""
