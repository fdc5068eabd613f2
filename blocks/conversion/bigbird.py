"""Checkpoints of BigBird."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.bert import bert_head_rules
from blocks.conversion.encoders import (
    SETTINGS,
    TINY,
    architecture,
    body,
    body_rules,
    dense_head_rules,
    ending,
    head,
    pooler_rules,
    settings,
)
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored
from registry import part


@part(
    "conversion", "bigbird", paper="Zaheer et al. 2020, arXiv 2007.14062; names and settings of transformers' BigBird*"
)
class BigBird(Conversion):
    """BigBird's encoders: BERT with blocks of a window, global blocks and random ones, or with full attention.

    Heads by `architectures`: pre-training, masked language model, classifier of sequences, of tokens, the body alone.
    The random blocks are those of the authors' code, in evaluation too; the reference has them in training alone, and
    the first block in their place in evaluation: for that set attention.plan to zeros.
    """

    model_type = "big_bird"
    architectures = (
        "BigBirdForPreTraining",
        "BigBirdForMaskedLM",
        "BigBirdForSequenceClassification",
        "BigBirdForTokenClassification",
        "BigBirdModel",
    )
    settings = {
        **SETTINGS,
        "attention_type": "block_sparse",
        "block_size": 64,
        "hidden_act": "gelu_new",
        "max_position_embeddings": 4096,
        "num_random_blocks": 3,
        "rescale_embeddings": False,
        "vocab_size": 50358,
    }
    fixed = {"position_embedding_type": "absolute", "use_bias": True}
    # the sparse form has none
    harmless = ("attention_probs_dropout_prob",)
    prefix = "bert."
    tiny = {**TINY, "block_size": 2, "num_random_blocks": 1, "sep_token_id": 3}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        block = body(self, c)
        sparse = {
            "kind": "bigbird",
            "block": c["block_size"],
            "random": c["num_random_blocks"],
            "drawn_length": c["max_position_embeddings"],
            "padding": "counted",
        }
        full = {"kind": "full", "dropout": c["attention_probs_dropout_prob"]}
        activation = block["feedforward"]["activation"]
        found = head(ending(self, c), c, {"activation": activation}, {"pooler": activation})
        if found["kind"] == "classification":
            found["pooler_dropout"] = found["dropout"]
        return {
            **block,
            "attention": self.choose({"block_sparse": sparse, "original_full": full}, c, "attention_type"),
            "position": {"kind": "learned", "length": c["max_position_embeddings"]},
            "embedding": {**block["embedding"], "scale": c["rescale_embeddings"], "dropout_on": "sum"},
            "head": found,
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        attention = model["attention"]
        sparse = attention["kind"] == "bigbird"
        blocks = {"block_size": attention["block"], "num_random_blocks": attention["random"]} if sparse else {}
        return {
            **settings(model),
            **blocks,
            "architectures": architecture(self, model["head"]),
            "attention_probs_dropout_prob": attention["dropout"],
            "attention_type": "block_sparse" if sparse else "original_full",
            "max_position_embeddings": model["position"]["length"],
            "rescale_embeddings": model["embedding"]["scale"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        lines = body_rules("bert")
        if model["head"]["kind"] == "classification":
            # the classifier has a layer of its own, and the pooler stands idle
            return [*lines, *dense_head_rules(), Ignored("bert.pooler.weight"), Ignored("bert.pooler.bias")]
        return [*lines, *pooler_rules("bert.pooler", model), *bert_head_rules(model["head"])]
