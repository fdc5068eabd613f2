"""Weights of the Transformer of 2017, put together from torch.nn's layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule
from blocks.conversion.torch_layers import SUBLAYERS, layers
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part


@part("conversion", "transformer_original", paper="Vaswani et al. 2017, arXiv 1706.03762; names of torch.nn")
class TransformerOriginal(Conversion):
    """The Transformer of 2017: post-norm layers of torch.nn, no norms after the stacks, one table for all tokens."""

    model_type = "transformer_original"
    settings = {
        "vocab_size": 37000,
        "d_model": 512,
        "num_heads": 8,
        "num_layers": 6,
        "d_ff": 2048,
        "activation": "relu",
        "layer_norm_eps": 1e-5,
        "dropout": 0.1,
    }
    fixed = {"is_encoder_decoder": True, "embedding_scale": "sqrt(d_model)"}
    # how it is trained, and words about the one table
    harmless = ("label_smoothing", "tied")
    tiny = {"vocab_size": 19, "d_model": 12, "num_heads": 3, "num_layers": 2, "d_ff": 20}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return {
            "topology": "encoder_decoder",
            "dim": c["d_model"],
            "layers": c["num_layers"],
            "heads": c["num_heads"],
            "vocab": c["vocab_size"],
            "attention": "full",
            "cross_attention": "full",
            "position": "sinusoidal",
            "norm": {"kind": "layer", "eps": c["layer_norm_eps"]},
            "placement": "post",
            "feedforward": {
                "kind": "mlp",
                "hidden": c["d_ff"],
                "activation": self.choose(ACTIVATIONS, c, "activation"),
            },
            "embedding": {"kind": "tokens", "scale": True, "dropout": c["dropout"]},
            "head": {"kind": "lm", "tied": True},
            "init": "xavier",
            "dropout": c["dropout"],
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "is_encoder_decoder": True,
            "vocab_size": model["vocab"],
            "d_model": model["dim"],
            "num_heads": model["heads"],
            "num_layers": model["layers"],
            "d_ff": model["feedforward"]["hidden"] or 4 * model["dim"],
            "activation": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "layer_norm_eps": model["norm"]["eps"],
            "dropout": model["dropout"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        lines: list[Line] = [Rule("embedding.weight", "embedding.table.weight")]
        for side in SUBLAYERS:
            lines += layers(side, f"{side}.{{n}}", f"{side}.layers.{{n}}", "out_norms")
        return lines
