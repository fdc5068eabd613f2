"""Checkpoints of MPNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.encoders import SETTINGS, TINY, architecture, body, settings
from blocks.conversion.names import OURS
from blocks.conversion.plan import Line
from blocks.conversion.roberta import behind_padding, dense_family_rules, dense_head, positions
from blocks.conversion.rule import Ignored, Rule, weights
from registry import part

RELATIVE = {"kind": "t5", "buckets": 32, "max_distance": 128}
FOREIGN = ("type_vocab_size", "classifier_dropout")
"""Settings of BERT that it does not have."""


@part("conversion", "mpnet", paper="Song et al. 2020, arXiv 2004.09297; names and settings of transformers' MPNet*")
class MPNet(Conversion):
    """MPNet: RoBERTa without kinds of tokens, with relative position biases beside its learned positions.

    Heads by `architectures`: masked language model, classifier of sequences, of tokens, spans of answers, the body
    alone (sentence-transformers' all-mpnet-base-v2).
    """

    model_type = "mpnet"
    architectures = (
        "MPNetForMaskedLM",
        "MPNetForSequenceClassification",
        "MPNetForTokenClassification",
        "MPNetForQuestionAnswering",
        "MPNetModel",
    )
    settings = {**{key: value for key, value in SETTINGS.items() if key not in FOREIGN}, "vocab_size": 30527}
    fixed = {"relative_attention_num_buckets": 32}
    prefix = "mpnet."
    tiny = {**TINY, "max_position_embeddings": 26, "bos_token_id": 0, "eos_token_id": 2}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return {
            **body(self, {**c, "type_vocab_size": 0}),
            "attention": {"kind": "full", "dropout": c["attention_probs_dropout_prob"]},
            "position": {"kind": "several", "schemes": [behind_padding({**c, "pad_token_id": 1}), RELATIVE]},
            "head": dense_head(self, c),
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        learned, relative = model["position"]["schemes"]
        return {
            **{key: value for key, value in settings(model).items() if key not in FOREIGN},
            **positions(learned),
            "architectures": architecture(self, model["head"]),
            "attention_probs_dropout_prob": model["attention"]["dropout"],
            "relative_attention_num_buckets": relative["buckets"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        front, theirs = "mpnet.embeddings", "mpnet.encoder.layer.{n}"
        lines: list[Line] = [
            Rule(f"{front}.word_embeddings.weight", "embedding.table.weight"),
            Rule(f"{front}.position_embeddings.weight", "stack.positions.0.schemes.0.table.weight"),
            Rule("mpnet.encoder.relative_attention_bias.weight", "stack.positions.0.schemes.1.table.weight"),
            *weights(f"{front}.LayerNorm", "embedding.norm"),
            *weights(f"{theirs}.attention.LayerNorm", f"{OURS}.placement.out_norms.0"),
            *weights(f"{theirs}.intermediate.dense", f"{OURS}.feedforward.inner"),
            *weights(f"{theirs}.output.dense", f"{OURS}.feedforward.outer"),
            *weights(f"{theirs}.output.LayerNorm", f"{OURS}.placement.out_norms.1"),
            Ignored(f"{front}.position_ids"),
        ]
        for name, side in (("q", "query"), ("k", "key"), ("v", "value"), ("o", "out")):
            lines += weights(f"{theirs}.attention.attn.{name}", f"{OURS}.attention.{side}")
        return [*lines, *dense_family_rules("mpnet", model)]
