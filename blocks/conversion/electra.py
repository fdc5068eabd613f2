"""Checkpoints of ELECTRA."""

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
    settings,
)
from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule, Tied, weights
from registry import part


@part("conversion", "electra", paper="Clark et al. 2020, arXiv 2003.10555; transformers' Electra*")
class Electra(Conversion):
    """ELECTRA: BERT without a pooler. Embeddings of another width than the model's are mapped to it when complete.

    Heads by `architectures`: masked language model (the generator's), classifier of sequences, of tokens, spans of
    answers, the body alone. Not the discriminator's own head.
    """

    model_type = "electra"
    architectures = (
        "ElectraForMaskedLM",
        "ElectraForSequenceClassification",
        "ElectraForTokenClassification",
        "ElectraForQuestionAnswering",
        "ElectraModel",
    )
    settings = {**SETTINGS, "embedding_size": 128}
    fixed = {"position_embedding_type": "absolute"}
    # how sequences were summed up by heads of old
    harmless = ("summary_*",)
    prefix = "electra."
    tiny = {**TINY, "embedding_size": 12}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        width = None if c["embedding_size"] == c["hidden_size"] else c["embedding_size"]
        found = head(ending(self, c), c, {"activation": "gelu", "width": width}, {"pooler": "gelu"})
        if found["kind"] == "classification":
            found = {**found, "pooler_dropout": found["dropout"]}
        block = body(self, c)
        return {
            **block,
            "embedding": {**block["embedding"], **({} if width is None else {"width": width, "widen": "sum"})},
            "attention": {"kind": "full", "dropout": c["attention_probs_dropout_prob"]},
            "position": {"kind": "learned", "length": c["max_position_embeddings"], "width": width},
            "head": {"kind": "hidden"} if found["kind"] == "hidden" else found,
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **settings(model),
            "architectures": architecture(self, model["head"]),
            "attention_probs_dropout_prob": model["attention"]["dropout"],
            "embedding_size": model["embedding"]["width"] or model["dim"],
            "max_position_embeddings": model["position"]["length"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        widen = weights("electra.embeddings_project", "embedding.widen")
        return [*body_rules("electra"), *widen, *_head_rules(model["head"]["kind"])]


def _head_rules(kind: str) -> list[Line]:
    match kind:
        case "mlm":
            return [
                *weights("generator_predictions.dense", "head.dense"),
                *weights("generator_predictions.LayerNorm", "head.norm"),
                Rule("generator_lm_head.bias", "head.bias"),
                Rule("generator_lm_head.weight", "head.matrix.weight"),
                Tied("generator_lm_head.weight", "electra.embeddings.word_embeddings.weight"),
            ]
        case "classification":
            return dense_head_rules()
        case "span":
            return list(weights("qa_outputs", "head.matrix"))
        case "token_classification":
            return list(weights("classifier", "head.matrix"))
    return []
