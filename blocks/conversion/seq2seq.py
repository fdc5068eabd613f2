"""What the tables of BART and of its relatives share: settings, names of the two stacks, the bias of the logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from blocks.conversion.base import Conversion
from blocks.conversion.names import pair, projections
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS

SETTINGS: Mapping[str, Any] = {
    "vocab_size": 50265,
    "max_position_embeddings": 1024,
    "encoder_layers": 12,
    "encoder_ffn_dim": 4096,
    "encoder_attention_heads": 16,
    "decoder_layers": 12,
    "decoder_ffn_dim": 4096,
    "decoder_attention_heads": 16,
    "activation_function": "gelu",
    "d_model": 1024,
    "dropout": 0.1,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "scale_embedding": False,
}
TINY: Mapping[str, Any] = {
    "vocab_size": 19,
    "max_position_embeddings": 26,
    "encoder_layers": 2,
    "encoder_ffn_dim": 20,
    "encoder_attention_heads": 2,
    "decoder_layers": 3,
    "decoder_ffn_dim": 24,
    "decoder_attention_heads": 4,
    "d_model": 16,
    "scale_embedding": True,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": None,
}
NORMS = {
    "encoder": ("self_attn_layer_norm", "final_layer_norm"),
    "decoder": ("self_attn_layer_norm", "encoder_attn_layer_norm", "final_layer_norm"),
}
"""The norms of a layer, in the order of its sublayers."""


class Seq2Seq(Conversion):
    """An encoder-decoder that is named as in fairseq. What a family says of itself:

    placement: pre or post. embedding_norm: whether each side norms its embedded tokens. layer_norm: name of the norm at
    the end of each stack, None where there is none. positions: our block of the position scheme, without its length.
    bias: whether each token of the vocabulary has a number that is added to its logit.
    """

    settings = SETTINGS
    fixed = {
        "is_encoder_decoder": True,
        "encoder_layerdrop": 0.0,
        "decoder_layerdrop": 0.0,
        "classifier_dropout": 0.0,
        "tie_word_embeddings": True,
    }
    harmless: ClassVar[tuple[str, ...]] = (
        "classif_dropout",
        "init_std",
        "num_hidden_layers",
        "static_position_embeddings",
    )
    prefix = "model."
    tiny = TINY

    placement: ClassVar[str]
    embedding_norm: ClassVar[bool] = False
    layer_norm: ClassVar[str | None] = "layer_norm"
    positions: ClassVar[Mapping[str, Any]]
    bias: ClassVar[bool] = True

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        attention = {"kind": "full", "dropout": c["attention_dropout"]}
        feedforward = {
            "kind": "mlp",
            "hidden": c["encoder_ffn_dim"],
            "activation": self.choose(ACTIVATIONS, c, "activation_function"),
            "dropout": c["activation_dropout"],
        }
        target = {**feedforward, "hidden": c["decoder_ffn_dim"]}
        # learned positions end, sinusoids do not
        length = {"length": c["max_position_embeddings"]} if self.positions["kind"] == "learned" else {}
        return {
            "topology": "encoder_decoder",
            "dim": c["d_model"],
            "layers": c["encoder_layers"],
            "heads": c["encoder_attention_heads"],
            "vocab": c["vocab_size"],
            "attention": attention,
            "cross_attention": attention,
            "position": {**self.positions, **length},
            "norm": {"kind": "layer", "eps": 1e-5},
            "placement": self.placement,
            "feedforward": feedforward,
            "decoder": {
                "layers": unless(c["decoder_layers"], c["encoder_layers"]),
                "heads": unless(c["decoder_attention_heads"], c["encoder_attention_heads"]),
                "feedforward": unless(target, feedforward),
            },
            "shared_embedding": "table" if self.embedding_norm else True,
            "embedding": {
                "kind": "tokens",
                "scale": c["scale_embedding"],
                "norm": {"kind": "layer", "eps": 1e-5} if self.embedding_norm else None,
                "dropout": c["dropout"],
            },
            "head": {"kind": "lm", "tied": True, "bias": self.bias},
            "dropout": c["dropout"],
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        decoder, feedforward = model["decoder"], model["feedforward"]
        known = {
            "is_encoder_decoder": True,
            "vocab_size": model["vocab"],
            "encoder_layers": model["layers"],
            "encoder_ffn_dim": feedforward["hidden"],
            "encoder_attention_heads": model["heads"],
            "decoder_layers": decoder["layers"] or model["layers"],
            "decoder_ffn_dim": (decoder["feedforward"] or feedforward)["hidden"],
            "decoder_attention_heads": decoder["heads"] or model["heads"],
            "activation_function": ACTIVATION_NAMES[feedforward["activation"]],
            "d_model": model["dim"],
            "dropout": model["dropout"],
            "attention_dropout": model["attention"]["dropout"],
            "activation_dropout": feedforward["dropout"],
            "scale_embedding": model["embedding"]["scale"],
            "encoder_layerdrop": 0.0,
            "decoder_layerdrop": 0.0,
        }
        length = model["position"].get("length")
        return known if length is None else {**known, "max_position_embeddings": length}

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        lines: list[Line] = [
            Rule("model.shared.weight", "embedding.table.weight"),
            *(Tied(f"model.{side}.embed_tokens.weight", "model.shared.weight") for side in NORMS),
            Tied("lm_head.weight", "model.shared.weight"),
            Rule("final_logits_bias", "head.bias", "1 v -> v"),
        ]
        for side in NORMS:
            lines += self._side(side)
        return lines

    def _side(self, side: str) -> Sequence[Line]:
        where = "in_norms" if self.placement == "pre" else "out_norms"
        embedding = "source_embedding" if side == "encoder" else "embedding"
        positions = f"model.{side}.embed_positions.weight"
        learned = self.positions["kind"] == "learned"
        return [
            Rule(positions, f"{side}.positions.0.table.weight") if learned else Ignored(positions),
            *weights(f"model.{side}.layernorm_embedding", f"{embedding}.norm"),
            *weights(f"model.{side}.{self.layer_norm}", f"{side}.norm"),
            *layers(side, where),
        ]


def layers(side: str, norms: str) -> Iterator[Rule]:
    """The layers of the encoder or the decoder; norms: the list that holds them in our placement."""
    theirs, ours = f"model.{side}.layers.{{n}}", f"{side}.layers.{{n}}"
    yield from pair(theirs, f"{ours}.feedforward", "fc1", "fc2")
    for number, name in enumerate(NORMS[side]):
        yield from weights(f"{theirs}.{name}", f"{ours}.placement.{norms}.{number}")
    yield from projections(f"{theirs}.self_attn", f"{ours}.attention", "out_proj")
    if side == "decoder":
        yield from projections(f"{theirs}.encoder_attn", f"{ours}.cross", "out_proj")


def unless(value: Any, same: Any) -> Any:
    """A side's own value, None where it is that of the whole model."""
    return None if value == same else value
