"""Checkpoints of Longformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.encoders import SETTINGS, TINY, architecture, body, body_rules, settings
from blocks.conversion.plan import Line
from blocks.conversion.roberta import behind_padding, dense_family_rules, dense_head, positions
from registry import part

PROJECTIONS = ("query", "key", "value", "query_global", "key_global", "value_global")


@part(
    "conversion",
    "longformer",
    paper="Beltagy et al. 2020, arXiv 2004.05150; names and settings of transformers' Longformer*",
)
class Longformer(Conversion):
    """Longformer: RoBERTa with a window, of one width or of one for each layer, and global tokens.

    Heads as in `roberta`. The first token is global in a classifier of sequences and none elsewhere, as in the
    reference, which marks besides the question in front of a text that it looks for an answer in: say which tokens are
    global with `globals`. Layers with windows of their own are of types called window_512 and so on.
    """

    model_type = "longformer"
    architectures = (
        "LongformerForMaskedLM",
        "LongformerForSequenceClassification",
        "LongformerForTokenClassification",
        "LongformerForQuestionAnswering",
        "LongformerModel",
    )
    settings = {
        **{key: value for key, value in SETTINGS.items() if key != "classifier_dropout"},
        "attention_window": 512,
        "pad_token_id": 1,
    }
    harmless = ("attention_mode", "gradient_checkpointing", "ignore_attention_mask", "onnx_export")
    prefix = "longformer."
    tiny = {
        **TINY,
        "attention_window": [4, 6],
        "max_position_embeddings": 26,
        "type_vocab_size": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        given, head = c["attention_window"], dense_head(self, c)
        windows = given if isinstance(given, list) else [given] * c["num_hidden_layers"]

        def attention(window: int) -> dict[str, Any]:
            first = int(head["kind"] == "classification")
            dropout = c["attention_probs_dropout_prob"]
            return {"kind": "longformer", "window": window, "global_tokens": first, "dropout": dropout}

        block = {**body(self, c), "attention": attention(windows[0]), "position": behind_padding(c), "head": head}
        if len(set(windows)) > 1:
            block["layers"] = [f"window_{window}" for window in windows]
            block["layer_types"] = {f"window_{w}": {"attention": attention(w)} for w in sorted(set(windows))}
        return block

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        types, attention = model["layer_types"] or {}, model["attention"]
        if isinstance(model["layers"], int):
            windows = [attention["window"]] * model["layers"]
        else:
            windows = [types[name]["attention"]["window"] for name in model["layers"]]
        return {
            **{key: value for key, value in settings(model).items() if key != "classifier_dropout"},
            **positions(model["position"]),
            "architectures": architecture(self, model["head"]),
            "attention_probs_dropout_prob": attention["dropout"],
            "attention_window": windows,
            "num_hidden_layers": len(windows),
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return [*body_rules("longformer", PROJECTIONS), *dense_family_rules("longformer", model)]
