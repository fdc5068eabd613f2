"""Weights of torch.nn's own Transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rule import weights
from blocks.conversion.torch_layers import SUBLAYERS, layers
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part


@part("conversion", "torch_transformer", paper="Vaswani et al. 2017, arXiv 1706.03762; torch.nn.Transformer")
class TorchTransformer(Conversion):
    """A state dict of `torch.nn.Transformer`, or of `torch.nn.TransformerEncoder` (no decoder layers).

    Settings are the constructor's arguments; final_norm says whether the stacks end in norms, as those of
    `nn.Transformer` do, post-norm or not. Inputs and outputs are vectors, for a front and a head of your own.
    """

    model_type = "torch_transformer"
    architectures = ("Transformer", "TransformerEncoder")
    settings = {
        "d_model": 512,
        "nhead": 8,
        "num_encoder_layers": 6,
        "num_decoder_layers": 6,
        "dim_feedforward": 2048,
        "dropout": 0.1,
        "activation": "relu",
        "layer_norm_eps": 1e-5,
        "norm_first": False,
        "bias": True,
        "final_norm": True,
    }
    fixed = {"is_encoder_decoder": (True, False)}
    harmless = ("batch_first",)
    tiny = {"d_model": 12, "nhead": 3, "num_encoder_layers": 2, "num_decoder_layers": 1, "dim_feedforward": 20}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        depth, decoders, dropout = c["num_encoder_layers"], c["num_decoder_layers"], c["dropout"]
        attention = {"kind": "full", "bias": c["bias"], "dropout": dropout}
        reading = {"decoder": {"layers": None if decoders == depth else decoders}, "cross_attention": attention}
        return {
            "topology": "encoder_decoder" if decoders else "encoder",
            "dim": c["d_model"],
            "layers": depth,
            "heads": c["nhead"],
            "attention": attention,
            **(reading if decoders else {}),
            "position": "none",
            "norm": {"kind": "layer", "eps": c["layer_norm_eps"], "bias": c["bias"]},
            "placement": "pre" if c["norm_first"] else "post",
            "final_norm": bool(c["final_norm"]),
            "feedforward": {
                "kind": "mlp",
                "hidden": c["dim_feedforward"],
                "activation": self.choose(ACTIVATIONS, c, "activation"),
                "bias": c["bias"],
                "dropout": dropout,
            },
            "embedding": "vectors",
            "head": "hidden",
            "dropout": dropout,
            "init": "xavier",
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        placement = model["placement"]["kind"]
        final_norm = model["final_norm"]
        decoders = 0 if model["topology"] == "encoder" else model["decoder"]["layers"] or model["layers"]
        return {
            "is_encoder_decoder": bool(decoders),
            "d_model": model["dim"],
            "nhead": model["heads"],
            "num_encoder_layers": model["layers"],
            "num_decoder_layers": decoders,
            "dim_feedforward": model["feedforward"]["hidden"] or 4 * model["dim"],
            "dropout": model["dropout"],
            "activation": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "layer_norm_eps": model["norm"]["eps"],
            "norm_first": placement == "pre",
            "bias": model["attention"]["bias"] is True,
            # the placement decides where nothing is said
            "final_norm": placement == "pre" if final_norm is None else final_norm,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        norms = "in_norms" if model["placement"]["kind"] == "pre" else "out_norms"
        if model["topology"] == "encoder":
            return [*layers("encoder", "layers.{n}", "stack.layers.{n}", norms), *weights("norm", "stack.norm")]
        lines: list[Line] = []
        for side in SUBLAYERS:
            lines += layers(side, f"{side}.layers.{{n}}", f"{side}.layers.{{n}}", norms)
            lines += weights(f"{side}.norm", f"{side}.norm")
        return lines
