"""Checkpoints of T5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from registry import part
from registry.checkpoint_errors import CheckpointError

FEEDFORWARDS = {
    "relu": {"kind": "mlp", "activation": "relu"},
    "gelu": {"kind": "mlp", "activation": "gelu"},
    "silu": {"kind": "mlp", "activation": "silu"},
    "gated-gelu": {"kind": "glu", "activation": "gelu_tanh"},
    "gated-relu": {"kind": "glu", "activation": "relu"},
    "gated-silu": {"kind": "glu", "activation": "silu"},
}
"""feed_forward_proj -> our block."""


@part("conversion", "t5", paper="Raffel et al. 2019, arXiv 1910.10683; transformers' T5ForConditionalGeneration")
class T5(Conversion):
    """T5 v1.0, v1.1, Flan-T5, mT5, ByT5: relative position biases, RMS norms, no score scale.

    v1.0 ties the output matrix and scales what it reads, v1.1 does neither; one switch of the file says both. Files of
    a v1.1 model that transformers 5 has tied lack the matrix, and are refused for that.
    """

    model_type = "t5"
    reads = ("mt5",)
    architectures = ("T5ForConditionalGeneration",)
    settings = {
        "vocab_size": 32128,
        "d_model": 512,
        "d_kv": 64,
        "d_ff": 2048,
        "num_layers": 6,
        "num_decoder_layers": None,
        "num_heads": 8,
        "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128,
        "dropout_rate": 0.1,
        "layer_norm_epsilon": 1e-6,
        "feed_forward_proj": "relu",
        "tie_word_embeddings": True,
        "scale_decoder_outputs": None,
    }
    fixed = {"is_encoder_decoder": True, "classifier_dropout": 0.0}
    # what follows from feed_forward_proj and num_layers, or never had an effect
    harmless = ("dense_act_fn", "is_gated_act", "n_positions", "num_hidden_layers")
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
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        scaled, dropout = c["scale_decoder_outputs"], c["dropout_rate"]
        tied = bool(c["tie_word_embeddings"] if scaled is None else scaled)
        attention = {"kind": "full", "head_dim": c["d_kv"], "scale": 1.0, "bias": False, "dropout": dropout}
        feedforward = self.choose(FEEDFORWARDS, c, "feed_forward_proj")
        decoder_layers = c["num_decoder_layers"]
        return {
            "topology": "encoder_decoder",
            "dim": c["d_model"],
            "layers": c["num_layers"],
            "decoder": {"layers": None if decoder_layers == c["num_layers"] else decoder_layers},
            "heads": c["num_heads"],
            "vocab": c["vocab_size"],
            "attention": attention,
            "cross_attention": attention,
            "position": {
                "kind": "t5",
                "buckets": c["relative_attention_num_buckets"],
                "max_distance": c["relative_attention_max_distance"],
            },
            "norm": {"kind": "rms", "eps": c["layer_norm_epsilon"]},
            "placement": "pre",
            "feedforward": {**feedforward, "hidden": c["d_ff"], "bias": False, "dropout": dropout},
            "embedding": {"kind": "tokens", "dropout": dropout},
            "head": {"kind": "lm", "tied": tied, "scale": "rsqrt_dim" if tied else 1.0},
            "dropout": dropout,
            "final_dropout": dropout,
            "init": "t5",
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        feedforward = model["feedforward"]
        kind = {"kind": feedforward["kind"], "activation": feedforward["activation"]}
        if kind not in FEEDFORWARDS.values():
            raise CheckpointError(f"T5 has no feed-forward {kind['kind']} with {kind['activation']}")
        names = [name for name, block in FEEDFORWARDS.items() if block == kind]
        return {
            "is_encoder_decoder": True,
            "vocab_size": model["vocab"],
            "d_model": model["dim"],
            "d_kv": model["attention"]["head_dim"],
            "d_ff": feedforward["hidden"],
            "num_layers": model["layers"],
            "num_decoder_layers": model["decoder"]["layers"] or model["layers"],
            "num_heads": model["heads"],
            "relative_attention_num_buckets": model["position"]["buckets"],
            "relative_attention_max_distance": model["position"]["max_distance"],
            "dropout_rate": model["dropout"],
            "layer_norm_epsilon": model["norm"]["eps"],
            "feed_forward_proj": names[0],
            "tie_word_embeddings": model["head"]["tied"],
            # without a start token transformers cannot train; T5 starts with its padding
            "pad_token_id": 0,
            "decoder_start_token_id": 0,
            "eos_token_id": 1,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        gated = model["feedforward"]["kind"] == "glu"
        matrices = {"wi_0": "gate", "wi_1": "inner", "wo": "outer"} if gated else {"wi": "inner", "wo": "outer"}
        lines: list[Line] = [
            Rule("shared.weight", "embedding.table.weight"),
            Tied("encoder.embed_tokens.weight", "shared.weight"),
            Tied("decoder.embed_tokens.weight", "shared.weight"),
            Rule("lm_head.weight", "head.matrix.weight"),
            Tied("lm_head.weight", "shared.weight"),
            Ignored("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"),
        ]
        for side, sublayers in SUBLAYERS.items():
            lines += [
                *weights(f"{side}.final_layer_norm", f"{side}.norm"),
                *weights(f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias", f"{side}.positions.0.table"),
            ]
            for number, (theirs, ours) in enumerate(sublayers.items()):
                layer = f"{side}.block.{{n}}.layer.{number}"
                lines += weights(f"{layer}.layer_norm", f"{side}.layers.{{n}}.placement.in_norms.{number}")
                for name, our in (matrices if ours == "feedforward" else PROJECTIONS).items():
                    lines += weights(f"{layer}.{theirs}.{name}", f"{side}.layers.{{n}}.{ours}.{our}")
        return lines


SUBLAYERS = {
    "encoder": {"SelfAttention": "attention", "DenseReluDense": "feedforward"},
    "decoder": {"SelfAttention": "attention", "EncDecAttention": "cross", "DenseReluDense": "feedforward"},
}
PROJECTIONS = {"q": "query", "k": "key", "v": "value", "o": "out"}
