"""Checkpoints of DistilBERT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.encoders import architecture, ending, labels
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part

NORM = {"kind": "layer", "eps": 1e-12}


@part(
    "conversion",
    "distilbert",
    paper="Sanh et al. 2019, arXiv 1910.01108; names and settings of transformers' DistilBert*",
)
class DistilBert(Conversion):
    """DistilBERT: BERT without kinds of tokens and without a pooler.

    Heads by `architectures`: masked language model, classifier of sequences, of tokens, spans of answers, the body
    alone. Positions as in `bert`.
    """

    model_type = "distilbert"
    architectures = (
        "DistilBertForMaskedLM",
        "DistilBertForSequenceClassification",
        "DistilBertForTokenClassification",
        "DistilBertForQuestionAnswering",
        "DistilBertModel",
    )
    settings = {
        "activation": "gelu",
        "attention_dropout": 0.1,
        "dim": 768,
        "dropout": 0.1,
        "hidden_dim": 3072,
        "id2label": {0: "LABEL_0", 1: "LABEL_1"},
        "max_position_embeddings": 512,
        "n_heads": 12,
        "n_layers": 6,
        "qa_dropout": 0.1,
        "seq_classif_dropout": 0.2,
        "tie_word_embeddings": True,
        "vocab_size": 30522,
    }
    # the table of positions is in the file, sinusoids or not; two dropouts are those of heads that may not be there
    harmless = ("qa_dropout", "seq_classif_dropout", "sinusoidal_pos_embds", "tie_weights_")
    prefix = "distilbert."
    tiny = {
        "dim": 12,
        "hidden_dim": 20,
        "max_position_embeddings": 24,
        "n_heads": 3,
        "n_layers": 2,
        "vocab_size": 19,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        activation = self.choose(ACTIVATIONS, c, "activation")
        classes = len(c["id2label"])
        heads = {
            "ForMaskedLM": {"kind": "mlm", "activation": activation, "norm": NORM, "tied": c["tie_word_embeddings"]},
            "ForSequenceClassification": {
                "kind": "classification",
                "classes": classes,
                "pool": "first",
                "pooler": "relu",
                "dropout": c["seq_classif_dropout"],
            },
            "ForTokenClassification": {"kind": "token_classification", "classes": classes, "dropout": c["dropout"]},
            "ForQuestionAnswering": {"kind": "span", "dropout": c["qa_dropout"]},
            "Model": {"kind": "hidden"},
        }
        return {
            "topology": "encoder",
            "dim": c["dim"],
            "layers": c["n_layers"],
            "heads": c["n_heads"],
            "vocab": c["vocab_size"],
            "attention": {"kind": "full", "dropout": c["attention_dropout"]},
            "position": {"kind": "learned", "length": c["max_position_embeddings"]},
            "norm": NORM,
            "placement": "post",
            "feedforward": {"kind": "mlp", "hidden": c["hidden_dim"], "activation": activation},
            "embedding": {"kind": "tokens", "norm": NORM, "dropout": c["dropout"]},
            "head": heads[ending(self, c)],
            "dropout": c["dropout"],
            "init": "bert",
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        head = model["head"]
        dropouts = {"classification": "seq_classif_dropout", "span": "qa_dropout"}
        own = {dropouts[head["kind"]]: head["dropout"]} if head["kind"] in dropouts else {}
        return {
            **labels(head),
            **own,
            "activation": ACTIVATION_NAMES[model["feedforward"]["activation"]],
            "architectures": architecture(self, head),
            "attention_dropout": model["attention"]["dropout"],
            "dim": model["dim"],
            "dropout": model["dropout"],
            "hidden_dim": model["feedforward"]["hidden"] or 4 * model["dim"],
            "max_position_embeddings": model["position"]["length"],
            "n_heads": model["heads"],
            "n_layers": model["layers"],
            "tie_word_embeddings": head.get("tied", True),
            "vocab_size": model["vocab"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        front, theirs, ours = "distilbert.embeddings", "distilbert.transformer.layer.{n}", "stack.layers.{n}"
        return [
            Rule(f"{front}.word_embeddings.weight", "embedding.table.weight"),
            Rule(f"{front}.position_embeddings.weight", "stack.positions.0.table.weight"),
            *weights(f"{front}.LayerNorm", "embedding.norm"),
            *weights(f"{theirs}.attention.q_lin", f"{ours}.attention.query"),
            *weights(f"{theirs}.attention.k_lin", f"{ours}.attention.key"),
            *weights(f"{theirs}.attention.v_lin", f"{ours}.attention.value"),
            *weights(f"{theirs}.attention.out_lin", f"{ours}.attention.out"),
            *weights(f"{theirs}.sa_layer_norm", f"{ours}.placement.out_norms.0"),
            *weights(f"{theirs}.ffn.lin1", f"{ours}.feedforward.inner"),
            *weights(f"{theirs}.ffn.lin2", f"{ours}.feedforward.outer"),
            *weights(f"{theirs}.output_layer_norm", f"{ours}.placement.out_norms.1"),
            Ignored(f"{front}.position_ids"),
            *_head_rules(model["head"]["kind"]),
        ]


def _head_rules(kind: str) -> list[Line]:
    match kind:
        case "mlm":
            return [
                *weights("vocab_transform", "head.dense"),
                *weights("vocab_layer_norm", "head.norm"),
                Rule("vocab_projector.bias", "head.bias"),
                Rule("vocab_projector.weight", "head.matrix.weight"),
                Tied("vocab_projector.weight", "distilbert.embeddings.word_embeddings.weight"),
            ]
        case "span":
            return list(weights("qa_outputs", "head.matrix"))
    return [*weights("pre_classifier", "head.pooler.dense"), *weights("classifier", "head.matrix")]
