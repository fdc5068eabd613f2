"""Checkpoints of RoBERTa."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.encoders import (
    SETTINGS,
    TINY,
    architecture,
    body,
    body_rules,
    dense_head_rules,
    ending,
    head,
    mlm_rules,
    pooler_rules,
    settings,
)
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, weights
from registry import part


@part("conversion", "roberta", paper="Liu et al. 2019, arXiv 1907.11692; names and settings of transformers' Roberta*")
class Roberta(Conversion):
    """RoBERTa, XLM-RoBERTa and CamemBERT: BERT with positions that begin behind the number of the padding token.

    Heads by `architectures`: masked language model, classifier of sequences, of tokens, spans of answers, the body
    alone.
    """

    model_type = "roberta"
    reads = ("xlm-roberta", "camembert")
    architectures = (
        "RobertaForMaskedLM",
        "RobertaForSequenceClassification",
        "RobertaForTokenClassification",
        "RobertaForQuestionAnswering",
        "RobertaModel",
    )
    settings = {**SETTINGS, "pad_token_id": 1, "vocab_size": 50265}
    fixed = {"position_embedding_type": "absolute"}
    prefix = "roberta."
    tiny = {**TINY, "max_position_embeddings": 26, "type_vocab_size": 1, "bos_token_id": 0, "eos_token_id": 2}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return {
            **body(self, c),
            "attention": {"kind": "full", "dropout": c["attention_probs_dropout_prob"]},
            "position": behind_padding(c),
            "head": dense_head(self, c),
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **settings(model),
            **positions(model["position"]),
            "architectures": architecture(self, model["head"]),
            "attention_probs_dropout_prob": model["attention"]["dropout"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return [*body_rules("roberta"), *dense_family_rules("roberta", model)]


def behind_padding(config: Mapping[str, Any]) -> dict[str, Any]:
    """Our position block for positions that begin behind the number of the padding token."""
    offset = config["pad_token_id"] + 1
    return {"kind": "learned", "length": config["max_position_embeddings"] - offset, "offset": offset}


def positions(block: Mapping[str, Any]) -> dict[str, Any]:
    """The settings for it."""
    return {"max_position_embeddings": block["length"] + block["offset"], "pad_token_id": block["offset"] - 1}


def dense_head(table: Conversion, config: Mapping[str, Any]) -> dict[str, Any]:
    """Our head for an architecture of RoBERTa, whose masked language model always has the exact gelu."""
    found = head(ending(table, config), config, {"activation": "gelu"}, {"pooler": "tanh"})
    return {**found, "pooler_dropout": found["dropout"]} if found["kind"] == "classification" else found


def dense_family_rules(front: str, model: Mapping[str, Any]) -> list[Line]:
    """The heads of RoBERTa and Longformer. front: with which the names of the body begin."""
    pooler = f"{front}.pooler.dense"
    unread = [Ignored(f"{pooler}.weight"), Ignored(f"{pooler}.bias")]
    match model["head"]["kind"]:
        case "mlm":
            table = f"{front}.embeddings.word_embeddings.weight"
            return [*mlm_rules(model["head"], "lm_head", table, "dense", "layer_norm"), *unread]
        case "classification":
            return [*dense_head_rules(), *unread]
        case "span":
            return [*weights("qa_outputs", "head.matrix"), *unread]
        case "token_classification":
            return [*weights("classifier", "head.matrix"), *unread]
    return pooler_rules(pooler, model)
