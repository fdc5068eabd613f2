"""Checkpoints of Whisper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule, Tied, weights
from blocks.conversion.seq2seq import NORMS, layers, unless
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part


@part(
    "conversion",
    "whisper",
    paper="Radford et al. 2022, arXiv 2212.04356; transformers' WhisperForConditionalGeneration",
)
class Whisper(Conversion):
    """Whisper, tiny to large-v3 and turbo: convolutions, stored sinusoids, keys without a bias."""

    model_type = "whisper"
    architectures = ("WhisperForConditionalGeneration",)
    settings = {
        "vocab_size": 51865,
        "num_mel_bins": 80,
        "encoder_layers": 4,
        "encoder_attention_heads": 6,
        "decoder_layers": 4,
        "decoder_attention_heads": 6,
        "decoder_ffn_dim": 1536,
        "encoder_ffn_dim": 1536,
        "activation_function": "gelu",
        "d_model": 384,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "max_source_positions": 1500,
        "max_target_positions": 448,
    }
    fixed = {
        "is_encoder_decoder": True,
        "encoder_layerdrop": 0.0,
        "decoder_layerdrop": 0.0,
        "use_weighted_layer_sum": False,
        "apply_spec_augment": False,
        "tie_word_embeddings": True,
    }
    # scale_embedding has no effect in the reference's decoder; the rest is for training, a classifier, or time stamps
    harmless = (
        "alignment_heads",
        "classifier_proj_size",
        "init_std",
        "is_multilingual",
        "mask_*",
        "median_filter_width",
        "num_hidden_layers",
        "scale_embedding",
    )
    prefix = "model."
    tiny = {
        "vocab_size": 19,
        "num_mel_bins": 5,
        "encoder_layers": 2,
        "encoder_attention_heads": 2,
        "decoder_layers": 3,
        "decoder_attention_heads": 4,
        "decoder_ffn_dim": 20,
        "encoder_ffn_dim": 24,
        "d_model": 16,
        "max_source_positions": 7,
        "max_target_positions": 13,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        attention = {"kind": "full", "bias": ["query", "value", "out"], "dropout": c["attention_dropout"]}
        feedforward = {
            "kind": "mlp",
            "hidden": c["encoder_ffn_dim"],
            "activation": self.choose(ACTIVATIONS, c, "activation_function"),
            "dropout": c["activation_dropout"],
        }
        wider = {**feedforward, "hidden": c["decoder_ffn_dim"]}
        frames = 2 * c["max_source_positions"]
        return {
            "topology": "encoder_decoder",
            "dim": c["d_model"],
            "layers": c["encoder_layers"],
            "heads": c["encoder_attention_heads"],
            "vocab": c["vocab_size"],
            "attention": attention,
            "cross_attention": attention,
            "norm": {"kind": "layer", "eps": 1e-5},
            "placement": "pre",
            "feedforward": feedforward,
            "encoder": {
                "embedding": {
                    "kind": "audio",
                    "bins": c["num_mel_bins"],
                    "frames": frames,
                    "dropout": c["dropout"],
                },
                "position": {"kind": "sinusoidal", "layout": "tensor2tensor", "stored": c["max_source_positions"]},
            },
            "decoder": {
                "layers": unless(c["decoder_layers"], c["encoder_layers"]),
                "heads": unless(c["decoder_attention_heads"], c["encoder_attention_heads"]),
                "feedforward": unless(wider, feedforward),
                "position": {"kind": "learned", "length": c["max_target_positions"]},
            },
            "embedding": {"kind": "tokens", "dropout": c["dropout"]},
            "head": {"kind": "lm", "tied": True},
            "dropout": c["dropout"],
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        encoder, decoder, feedforward = model["encoder"], model["decoder"], model["feedforward"]
        return {
            "is_encoder_decoder": True,
            "vocab_size": model["vocab"],
            "num_mel_bins": encoder["embedding"]["bins"],
            "encoder_layers": model["layers"],
            "encoder_attention_heads": model["heads"],
            "decoder_layers": decoder["layers"] or model["layers"],
            "decoder_attention_heads": decoder["heads"] or model["heads"],
            "decoder_ffn_dim": (decoder["feedforward"] or feedforward)["hidden"],
            "encoder_ffn_dim": feedforward["hidden"],
            "activation_function": ACTIVATION_NAMES[feedforward["activation"]],
            "d_model": model["dim"],
            "dropout": model["dropout"],
            "attention_dropout": model["attention"]["dropout"],
            "activation_dropout": feedforward["dropout"],
            "max_source_positions": encoder["position"]["stored"],
            "max_target_positions": decoder["position"]["length"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        lines: list[Line] = [
            *weights("model.encoder.conv1", "source_embedding.first"),
            *weights("model.encoder.conv2", "source_embedding.second"),
            Rule("model.encoder.embed_positions.weight", "encoder.positions.0.table"),
            Rule("model.decoder.embed_positions.weight", "decoder.positions.0.table.weight"),
            Rule("model.decoder.embed_tokens.weight", "embedding.table.weight"),
            Tied("proj_out.weight", "model.decoder.embed_tokens.weight"),
        ]
        for side in NORMS:
            lines += [*weights(f"model.{side}.layer_norm", f"{side}.norm"), *layers(side, "in_norms")]
        return lines
