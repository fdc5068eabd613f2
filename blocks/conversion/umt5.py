"""Checkpoints of UMT5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.keys import Keys, flat, merged, nested
from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule, Tied, weights
from blocks.conversion.t5 import FEEDFORWARDS, PROJECTIONS, SUBLAYERS
from registry import part
from registry.checkpoint_errors import CheckpointError

KEYS: Keys = {
    "vocab_size": "vocab",
    "d_model": "dim",
    "num_layers": "layers",
    "num_heads": "heads",
    "d_kv": "attention.head_dim",
    "d_ff": "feedforward.hidden",
    "relative_attention_num_buckets": "position.buckets",
    "relative_attention_max_distance": "position.max_distance",
    "layer_norm_epsilon": "norm.eps",
    "dropout_rate": "dropout",
    "tie_word_embeddings": "head.tied",
}
MATRICES = {
    "glu": {"wi_0": "gate", "wi_1": "inner", "wo": "outer"},
    "mlp": {"wi": "inner", "wo": "outer"},
}


@part("conversion", "umt5", paper="Chung et al. 2023, arXiv 2304.09151; transformers' UMT5ForConditionalGeneration")
class UMT5(Conversion):
    """UMT5: mT5 with relative position biases of its own in each layer.

    The published files have an output matrix of their own. transformers 5 reads them with a tied one, and with the
    factor that goes with it; so is a file read here that says tie_word_embeddings.
    """

    model_type = "umt5"
    architectures = ("UMT5ForConditionalGeneration",)
    settings = {
        "vocab_size": 250112,
        "d_model": 512,
        "d_kv": 64,
        "d_ff": 1024,
        "num_layers": 8,
        "num_decoder_layers": None,
        "num_heads": 6,
        "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128,
        "dropout_rate": 0.1,
        "layer_norm_epsilon": 1e-6,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": True,
    }
    fixed = {"is_encoder_decoder": True, "classifier_dropout": 0.0, "scalable_attention": True}
    # what follows from feed_forward_proj and num_layers
    harmless = ("dense_act_fn", "is_gated_act", "num_hidden_layers")
    tiny = {
        "vocab_size": 19,
        "d_model": 16,
        "d_kv": 6,
        "d_ff": 20,
        "num_layers": 3,
        "num_decoder_layers": 2,
        "num_heads": 4,
        "relative_attention_num_buckets": 8,
        "relative_attention_max_distance": 10,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        dropout, decoder_layers = c["dropout_rate"], c["num_decoder_layers"]
        block = merged(
            {"topology": "encoder_decoder", "norm": {"kind": "rms"}, "placement": "pre", "init": "t5"},
            {"attention": {"kind": "full", "scale": 1.0, "bias": False, "dropout": dropout}},
            {"position": {"kind": "t5", "each_layer": True}, "embedding": {"kind": "tokens", "dropout": dropout}},
            {"head": {"kind": "lm", "scale": "rsqrt_dim" if c["tie_word_embeddings"] else 1.0}},
            {"feedforward": {**self.choose(FEEDFORWARDS, c, "feed_forward_proj"), "bias": False, "dropout": dropout}},
            nested(KEYS, c),
        )
        layers = None if decoder_layers == c["num_layers"] else decoder_layers
        return {
            **block,
            "cross_attention": block["attention"],
            "decoder": {"layers": layers},
            "final_dropout": dropout,
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        feedforward = {key: model["feedforward"][key] for key in ("kind", "activation")}
        names = [name for name, block in FEEDFORWARDS.items() if block == feedforward]
        if not names:
            raise CheckpointError(f"UMT5 has no feed-forward {feedforward['kind']} with {feedforward['activation']}")
        return {
            **flat(KEYS, model),
            "num_decoder_layers": model["decoder"]["layers"] or model["layers"],
            "feed_forward_proj": names[0],
            # without a start token transformers cannot train; T5 starts with its padding
            "pad_token_id": 0,
            "decoder_start_token_id": 0,
            "eos_token_id": 1,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        matrices = MATRICES[model["feedforward"]["kind"]]
        lines: list[Line] = [
            Rule("shared.weight", "embedding.table.weight"),
            Tied("encoder.embed_tokens.weight", "shared.weight"),
            Tied("decoder.embed_tokens.weight", "shared.weight"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "shared.weight"),
        ]
        for side, sublayers in SUBLAYERS.items():
            biases = f"{side}.block.{{n}}.layer.0.SelfAttention.relative_attention_bias"
            lines += [
                *weights(f"{side}.final_layer_norm", f"{side}.norm"),
                *weights(biases, f"{side}.positions.{{n}}.table"),
            ]
            for number, (theirs, ours) in enumerate(sublayers.items()):
                layer = f"{side}.block.{{n}}.layer.{number}"
                lines += weights(f"{layer}.layer_norm", f"{side}.layers.{{n}}.placement.in_norms.{number}")
                for name, our in (matrices if ours == "feedforward" else PROJECTIONS).items():
                    lines += weights(f"{layer}.{theirs}.{name}", f"{side}.layers.{{n}}.{ours}.{our}")
        return lines
