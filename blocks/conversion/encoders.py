"""What the tables of BERT and of its descendants share: settings, names of the body, heads by architecture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry.checkpoint_errors import CheckpointError

SETTINGS: Mapping[str, Any] = {
    "attention_probs_dropout_prob": 0.1,
    "classifier_dropout": None,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 768,
    "id2label": {0: "LABEL_0", 1: "LABEL_1"},
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "tie_word_embeddings": True,
    "type_vocab_size": 2,
    "vocab_size": 30522,
}
TINY: Mapping[str, Any] = {
    "hidden_size": 12,
    "intermediate_size": 20,
    "max_position_embeddings": 24,
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "vocab_size": 19,
}
HEADS = {
    "ForPreTraining": "mlm",
    "ForMaskedLM": "mlm",
    "ForSequenceClassification": "classification",
    "ForNextSentencePrediction": "classification",
    "ForImageClassification": "classification",
    "ForImageClassificationWithTeacher": "distillation",
    "ForTokenClassification": "token_classification",
    "ForQuestionAnswering": "span",
    "Model": "hidden",
}
"""How the name of an architecture ends, and our kind of head."""


def ending(table: Conversion, config: Mapping[str, Any]) -> str:
    """How the name of the config's architecture ends, that of the table's first one where it has none.

    Raises CheckpointError for one that the table does not read.
    """
    given = (config.get("architectures") or table.architectures)[0]
    # families that share a table differ in the beginnings of these names
    known = {_end(name): name for name in table.architectures}
    if (found := _end(given)) not in known:
        raise CheckpointError(
            f"{table.name}: architecture {given} is not implemented, only {', '.join(known.values())}"
        )
    return found


def architecture(table: Conversion, head: Mapping[str, Any]) -> list[str]:
    """`architectures` of a config.json, for our head. Raises CheckpointError where the family has none with it."""
    kind = head["kind"]
    for name in table.architectures:
        end = _end(name)
        if HEADS[end] == kind and (kind != "mlm" or (end == "ForPreTraining") == head["nsp"]):
            return [name]
    raise CheckpointError(f"{table.name} has no architecture with this head, '{kind}'")


def labels(head: Mapping[str, Any]) -> dict[str, Any]:
    """`id2label` of a config.json, for heads that tell classes."""
    if "classes" not in head:
        return {}
    return {"id2label": {number: f"LABEL_{number}" for number in range(head["classes"])}}


def head(end: str, config: Mapping[str, Any], mlm: Mapping[str, Any], pooled: Mapping[str, Any]) -> dict[str, Any]:
    """Our head for an architecture that ends so.

    mlm, pooled: options of a masked language model, and of a classifier of sequences.
    """
    kind, dropout = HEADS[end], config["hidden_dropout_prob"]
    if config.get("classifier_dropout") is not None:
        dropout = config["classifier_dropout"]
    classes = len(config["id2label"])
    match kind:
        case "mlm":
            norm = {"kind": "layer", "eps": config["layer_norm_eps"]}
            tied = config["tie_word_embeddings"]
            return {"kind": kind, "norm": norm, "tied": tied, "nsp": end == "ForPreTraining", **mlm}
        case "classification":
            classes = 2 if end == "ForNextSentencePrediction" else classes
            return {"kind": kind, "classes": classes, "pool": "first", "dropout": dropout, **pooled}
        case "token_classification":
            return {"kind": kind, "classes": classes, "dropout": dropout}
        case "span":
            return {"kind": kind}
    return {"kind": kind, "pooler": "tanh"}


def body(table: Conversion, config: Mapping[str, Any]) -> dict[str, Any]:
    """Our model block for the settings above, but for attention, position and head."""
    norm = {"kind": "layer", "eps": config["layer_norm_eps"]}
    dropout = config["hidden_dropout_prob"]
    return {
        "topology": "encoder",
        "dim": config["hidden_size"],
        "layers": config["num_hidden_layers"],
        "heads": config["num_attention_heads"],
        "vocab": config["vocab_size"],
        "norm": norm,
        "placement": "post",
        "feedforward": {
            "kind": "mlp",
            "hidden": config["intermediate_size"],
            "activation": table.choose(ACTIVATIONS, config, "hidden_act"),
        },
        "embedding": {"kind": "tokens", "types": config["type_vocab_size"], "norm": norm, "dropout": dropout},
        "dropout": dropout,
        "init": "bert",
    }


def settings(model: Mapping[str, Any]) -> dict[str, Any]:
    """The settings above for our model block, but for those of attention and position."""
    found = {
        "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
        "hidden_dropout_prob": model["dropout"],
        "hidden_size": model["dim"],
        "intermediate_size": model["feedforward"]["hidden"] or 4 * model["dim"],
        "layer_norm_eps": model["norm"]["eps"],
        "num_attention_heads": model["heads"],
        "num_hidden_layers": model["layers"],
        "tie_word_embeddings": model["head"].get("tied", True),
        "type_vocab_size": model["embedding"]["types"],
        "vocab_size": model["vocab"],
        **labels(model["head"]),
    }
    if "dropout" in model["head"]:
        found["classifier_dropout"] = model["head"]["dropout"]
    return found


def body_rules(front: str, projections: Sequence[str] = ("query", "key", "value")) -> list[Line]:
    """Tensors of the body, under names that begin with `front`."""
    theirs, ours = f"{front}.encoder.layer.{{n}}", "stack.layers.{n}"
    return [
        Rule(f"{front}.embeddings.word_embeddings.weight", "embedding.table.weight"),
        Rule(f"{front}.embeddings.position_embeddings.weight", "stack.positions.0.table.weight"),
        Rule(f"{front}.embeddings.token_type_embeddings.weight", "embedding.types.weight"),
        *weights(f"{front}.embeddings.LayerNorm", "embedding.norm"),
        *(line for p in projections for line in weights(f"{theirs}.attention.self.{p}", f"{ours}.attention.{p}")),
        *weights(f"{theirs}.attention.output.dense", f"{ours}.attention.out"),
        *weights(f"{theirs}.attention.output.LayerNorm", f"{ours}.placement.out_norms.0"),
        *weights(f"{theirs}.intermediate.dense", f"{ours}.feedforward.inner"),
        *weights(f"{theirs}.output.dense", f"{ours}.feedforward.outer"),
        *weights(f"{theirs}.output.LayerNorm", f"{ours}.placement.out_norms.1"),
        Ignored(f"{front}.embeddings.position_ids"),
        Ignored(f"{front}.embeddings.token_type_ids"),
    ]


def pooler_rules(theirs: str, model: Mapping[str, Any]) -> list[Line]:
    """The pooler, which files often carry along for heads that do not read it."""
    if model["head"].get("pooler") or model["head"].get("nsp"):
        return list(weights(theirs, "head.pooler.dense"))
    return [Ignored(f"{theirs}.weight"), Ignored(f"{theirs}.bias")]


def mlm_rules(head: Mapping[str, Any], front: str, table: str, dense: str, norm: str) -> list[Line]:
    """The head of a masked language model. front: of its names; table: the matrix that it may be tied to.

    Its bias has two names. Files of untied heads are written with both, since the reference then has two tensors.
    """
    bias, decoder = f"{front}.bias", f"{front}.decoder"
    return [
        *weights(f"{front}.{dense}", "head.dense"),
        *weights(f"{front}.{norm}", "head.norm"),
        Rule(bias, "head.bias"),
        Rule(f"{decoder}.weight", "head.matrix.weight"),
        Tied(f"{decoder}.weight", table),
        Tied(f"{decoder}.bias", bias, written=not head["tied"]),
    ]


def dense_head_rules() -> list[Line]:
    """Classifiers of RoBERTa and its descendants, with a layer of their own before the classes."""
    return [*weights("classifier.dense", "head.pooler.dense"), *weights("classifier.out_proj", "head.matrix")]


def _end(architecture: str) -> str:
    return re.sub(r"^.*?(?=For[A-Z]|Model$)", "", architecture)
