"""Checkpoints of ALBERT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.encoders import SETTINGS, TINY, architecture, body, ending, head, mlm_rules, settings
from blocks.conversion.keys import repeated
from blocks.conversion.names import SIDES
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, weights
from registry import part


@part("conversion", "albert", paper="Lan et al. 2019, arXiv 1909.11942; names and settings of transformers' Albert*")
class Albert(Conversion):
    """ALBERT: BERT whose layers are one layer, or a few, used again and again, and whose embeddings are narrow.

    Heads by `architectures`: masked language model, classifier of sequences, of tokens, spans of answers, the body
    alone. Positions skip padding, as in `bert`.
    """

    model_type = "albert"
    architectures = (
        "AlbertForMaskedLM",
        "AlbertForSequenceClassification",
        "AlbertForTokenClassification",
        "AlbertForQuestionAnswering",
        "AlbertModel",
    )
    settings = {
        **{key: value for key, value in SETTINGS.items() if key != "classifier_dropout"},
        "attention_probs_dropout_prob": 0.0,
        "classifier_dropout_prob": 0.1,
        "embedding_size": 128,
        "hidden_act": "gelu_new",
        "hidden_dropout_prob": 0.0,
        "hidden_size": 4096,
        "intermediate_size": 16384,
        "num_attention_heads": 64,
        "num_hidden_groups": 1,
        "vocab_size": 30000,
    }
    fixed = {"inner_group_num": 1, "position_embedding_type": "absolute"}
    # the dropout of heads that may not be there, and a structure that was never published
    harmless = ("classifier_dropout_prob", "down_scale_factor", "gap_size", "net_structure_type", "num_memory_blocks")
    prefix = "albert."
    tiny = {**TINY, "embedding_size": 8, "num_hidden_layers": 4}

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        block, count, width = body(self, c), c["num_hidden_layers"], c["embedding_size"]
        names = [f"group_{int(n / (count / c['num_hidden_groups']))}" for n in range(count)]
        mlm = {"activation": block["feedforward"]["activation"], "width": width}
        given = {**c, "classifier_dropout": c["classifier_dropout_prob"]}
        return {
            **block,
            "layers": repeated(names),
            "layer_types": {name: {"shared": True} for name in dict.fromkeys(names)},
            "embedding": {**block["embedding"], "width": width, "widen": "sum"},
            "attention": {"kind": "full", "dropout": c["attention_probs_dropout_prob"]},
            "position": {"kind": "learned", "length": c["max_position_embeddings"], "width": width},
            "head": head(ending(self, c), given, mlm, {"pooler": "tanh"}),
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        known = settings(model)
        dropout = {"classifier_dropout_prob": known.pop("classifier_dropout")} if "classifier_dropout" in known else {}
        names = list(_names(model))
        return {
            **known,
            **dropout,
            "architectures": architecture(self, model["head"]),
            "attention_probs_dropout_prob": model["attention"]["dropout"],
            "embedding_size": model["embedding"]["width"],
            "max_position_embeddings": model["position"]["length"],
            "num_hidden_groups": len(set(names)),
            "num_hidden_layers": len(names),
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        front, names = "albert.embeddings", list(_names(model))
        lines: list[Line] = [
            Rule(f"{front}.word_embeddings.weight", "embedding.table.weight"),
            Rule(f"{front}.position_embeddings.weight", "stack.positions.0.table.weight"),
            Rule(f"{front}.token_type_embeddings.weight", "embedding.types.weight"),
            *weights(f"{front}.LayerNorm", "embedding.norm"),
            *weights("albert.encoder.embedding_hidden_mapping_in", "embedding.widen"),
            Ignored(f"{front}.position_ids"),
        ]
        for number, name in enumerate(dict.fromkeys(names)):
            # where a shared layer stands first, it has its name
            lines += _layer(f"albert.encoder.albert_layer_groups.{number}", f"stack.layers.{names.index(name)}")
        return [*lines, *_head_rules(model["head"])]


def _names(model: Mapping[str, Any]) -> Iterator[str]:
    """The type of each layer."""
    layers = model["layers"]
    for number in range(layers["count"]):
        yield layers["pattern"][number % len(layers["pattern"])]


def _layer(group: str, ours: str) -> Iterator[Line]:
    theirs = f"{group}.albert_layers.0"
    for side in SIDES:
        yield from weights(f"{theirs}.attention.{side}", f"{ours}.attention.{side}")
    yield from weights(f"{theirs}.attention.dense", f"{ours}.attention.out")
    yield from weights(f"{theirs}.attention.LayerNorm", f"{ours}.placement.out_norms.0")
    yield from weights(f"{theirs}.ffn", f"{ours}.feedforward.inner")
    yield from weights(f"{theirs}.ffn_output", f"{ours}.feedforward.outer")
    yield from weights(f"{theirs}.full_layer_layer_norm", f"{ours}.placement.out_norms.1")


def _head_rules(head: Mapping[str, Any]) -> list[Line]:
    pooler = "albert.pooler"
    lines: list[Line] = [Ignored(f"{pooler}.weight"), Ignored(f"{pooler}.bias")]
    if head.get("pooler"):
        lines = list(weights(pooler, "head.pooler.dense"))
    # published files carry what was learned in pre-training, whatever the architecture
    order = "sop_classifier.classifier"
    match head["kind"]:
        case "mlm":
            table = "albert.embeddings.word_embeddings.weight"
            lines += mlm_rules(head, "predictions", table, "dense", "LayerNorm")
            lines += [Ignored(f"{order}.weight"), Ignored(f"{order}.bias")]
        case "span":
            lines += weights("qa_outputs", "head.matrix")
        case "classification" | "token_classification":
            lines += weights("classifier", "head.matrix")
    return lines
