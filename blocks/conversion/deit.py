"""Checkpoints of DeiT with distillation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.encoders import ending
from blocks.conversion.plan import Line
from blocks.conversion.rule import Rule, weights
from blocks.conversion.vit import SETTINGS, TINY, body, body_rules, classifier, pooled, settings
from registry import part


@part(
    "conversion",
    "deit",
    paper="Touvron et al. 2020, arXiv 2012.12877; names and settings of transformers' DeiT*",
)
class DeiT(Conversion):
    """DeiT with distillation: ViT with a second token in front. Without distillation DeiT's files are those of `vit`.

    Heads by `architectures`: the mean of both classifiers, one classifier of the class token, the body alone.
    """

    model_type = "deit"
    architectures = ("DeiTForImageClassificationWithTeacher", "DeiTForImageClassification", "DeiTModel")
    settings = SETTINGS
    harmless = ("encoder_stride",)
    prefix = "deit."
    tiny = TINY

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        heads = {
            "ForImageClassificationWithTeacher": {"kind": "distillation", "classes": len(c["id2label"])},
            "ForImageClassification": classifier(c),
            "Model": pooled(self, c),
        }
        return {**body(self, c, class_tokens=2), "head": heads[ending(self, c)]}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return settings(self, model)

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        return [
            *body_rules("deit", model),
            Rule(
                ["deit.embeddings.cls_token", "deit.embeddings.distillation_token"],
                "embedding.class_tokens.weight",
                "1 k m, 1 l m -> (k + l) m",
                {"k": 1, "l": 1},
            ),
            *_head_rules(model["head"]["kind"]),
        ]


def _head_rules(kind: str) -> list[Line]:
    match kind:
        case "distillation":
            second = weights("distillation_classifier", "head.distilled")
            return [*weights("cls_classifier", "head.matrix"), *second]
        case "classification":
            return list(weights("classifier", "head.matrix"))
    return list(weights("deit.pooler.dense", "head.pooler.dense"))
