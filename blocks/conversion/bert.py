"""Checkpoints of BERT."""

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
    ending,
    head,
    mlm_rules,
    pooler_rules,
    settings,
)
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Tied, weights
from registry import part


@part("conversion", "bert", paper="Devlin et al. 2018, arXiv 1810.04805; names and settings of transformers' Bert*")
class Bert(Conversion):
    """BERT: post-norm encoder, learned positions, kinds of tokens, norm of the embeddings.

    Heads by `architectures`: pre-training, masked language model, classifier of sequences (of next sentences too), of
    tokens, spans of answers, the body alone. Positions skip padding, where the reference counts it: the same for
    padding on the right.
    """

    model_type = "bert"
    architectures = (
        "BertForPreTraining",
        "BertForMaskedLM",
        "BertForSequenceClassification",
        "BertForNextSentencePrediction",
        "BertForTokenClassification",
        "BertForQuestionAnswering",
        "BertModel",
    )
    settings = SETTINGS
    fixed = {"position_embedding_type": "absolute"}
    harmless = ("directionality", "pooler_*")
    prefix = "bert."
    renamed = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
    tiny = TINY

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        block = body(self, c)
        mlm = {"activation": block["feedforward"]["activation"]}
        return {
            **block,
            "attention": {"kind": "full", "dropout": c["attention_probs_dropout_prob"]},
            "position": {"kind": "learned", "length": c["max_position_embeddings"]},
            "head": head(ending(self, c), c, mlm, {"pooler": "tanh"}),
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **settings(model),
            "architectures": architecture(self, model["head"]),
            "attention_probs_dropout_prob": model["attention"]["dropout"],
            "max_position_embeddings": model["position"]["length"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return [*body_rules("bert"), *pooler_rules("bert.pooler.dense", model), *bert_head_rules(model["head"])]


def bert_head_rules(head: Mapping[str, Any]) -> list[Line]:
    """The heads of BERT, but for its pooler."""
    follows = "cls.seq_relationship"
    match head["kind"]:
        case "mlm":
            table = "bert.embeddings.word_embeddings.weight"
            lines = mlm_rules(head, "cls.predictions", table, "transform.dense", "transform.LayerNorm")
            # published files carry what was learned in pre-training, whatever the architecture
            unread = [Ignored(f"{follows}.weight"), Ignored(f"{follows}.bias")]
            return [*lines, *(weights(follows, "head.nsp") if head["nsp"] else unread)]
        case "span":
            return list(weights("qa_outputs", "head.matrix"))
        case "hidden":
            return []
    # whether the second sentence follows the first is a class of the sequence
    same = [Tied(f"{follows}.weight", "classifier.weight"), Tied(f"{follows}.bias", "classifier.bias")]
    return [*weights("classifier", "head.matrix"), *same]
