"""Checkpoints of ViT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.encoders import architecture, ending, labels
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part
from registry.checkpoint_errors import CheckpointError

SETTINGS: Mapping[str, Any] = {
    "attention_probs_dropout_prob": 0.0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0,
    "hidden_size": 768,
    "id2label": {0: "LABEL_0", 1: "LABEL_1"},
    "image_size": 224,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-12,
    "num_attention_heads": 12,
    "num_channels": 3,
    "num_hidden_layers": 12,
    "patch_size": 16,
    "pooler_act": "tanh",
    "pooler_output_size": None,
    "qkv_bias": True,
}
TINY: Mapping[str, Any] = {
    "hidden_size": 12,
    "image_size": 20,
    "intermediate_size": 28,
    "num_attention_heads": 3,
    "num_channels": 2,
    "num_hidden_layers": 2,
    "patch_size": 5,
    "id2label": {number: f"LABEL_{number}" for number in range(7)},
}


@part(
    "conversion",
    "vit",
    paper="Dosovitskiy et al. 2020, arXiv 2010.11929; names and settings of transformers' ViT*",
)
class ViT(Conversion):
    """ViT: pre-norm encoder over square patches and a class token, learned positions.

    Heads by `architectures`: classifier of images, the body alone, which always has its pooler. Images of another size
    than the config's are read too, their positions resized.
    """

    model_type = "vit"
    architectures = ("ViTForImageClassification", "ViTModel")
    settings = SETTINGS
    harmless = ("encoder_stride",)
    prefix = "vit."
    tiny = TINY

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        heads = {"ForImageClassification": classifier(c), "Model": pooled(self, c)}
        return {**body(self, c, class_tokens=1), "head": heads[ending(self, c)]}

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return settings(self, model)

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        pooler = list(weights("vit.pooler.dense", "head.pooler.dense"))
        return [
            *body_rules("vit", model),
            Rule("vit.embeddings.cls_token", "embedding.class_tokens.weight", "1 k m -> k m"),
            *(pooler if model["head"]["kind"] == "hidden" else weights("classifier", "head.matrix")),
        ]


def body(table: Conversion, config: Mapping[str, Any], *, class_tokens: int) -> dict[str, Any]:
    """Our model block for the settings above, but for the head."""
    dropout = config["hidden_dropout_prob"]
    rows, columns = _grid(config)
    return {
        "topology": "encoder",
        "dim": config["hidden_size"],
        "layers": config["num_hidden_layers"],
        "heads": config["num_attention_heads"],
        "attention": {
            "kind": "full",
            "bias": True if config["qkv_bias"] else ["out"],
            "dropout": config["attention_probs_dropout_prob"],
        },
        "position": {
            "kind": "learned_2d",
            "rows": rows,
            "columns": None if columns == rows else columns,
            "outside": class_tokens,
        },
        "norm": {"kind": "layer", "eps": config["layer_norm_eps"]},
        "placement": "pre",
        "feedforward": {
            "kind": "mlp",
            "hidden": config["intermediate_size"],
            "activation": table.choose(ACTIVATIONS, config, "hidden_act"),
        },
        "embedding": {
            "kind": "patches",
            "channels": config["num_channels"],
            "patch": _sides(config["patch_size"])[0],
            "class_tokens": class_tokens,
            "dropout": dropout,
        },
        "dropout": dropout,
        "init": "bert",
    }


def classifier(config: Mapping[str, Any]) -> dict[str, Any]:
    """Our head for a classifier of images."""
    return {"kind": "classification", "classes": len(config["id2label"]), "pool": "first"}


def pooled(table: Conversion, config: Mapping[str, Any]) -> dict[str, Any]:
    """Our head for the body alone."""
    if config["pooler_output_size"] not in (None, config["hidden_size"]):
        raise CheckpointError(f"{table.name}: pooler_output_size: only the model's own width is implemented")
    return {"kind": "hidden", "pooler": table.choose(ACTIVATIONS, config, "pooler_act")}


def settings(table: Conversion, model: Mapping[str, Any]) -> dict[str, Any]:
    """The settings above for our model block."""
    head, position, patch = model["head"], model["position"], model["embedding"]["patch"]
    size = [patch * position["rows"], patch * (position["columns"] or position["rows"])]
    found = {
        **labels(head),
        "architectures": architecture(table, head),
        "attention_probs_dropout_prob": model["attention"]["dropout"],
        "hidden_act": ACTIVATION_NAMES[model["feedforward"]["activation"]],
        "hidden_dropout_prob": model["dropout"],
        "hidden_size": model["dim"],
        "image_size": size[0] if size[0] == size[1] else size,
        "intermediate_size": model["feedforward"]["hidden"] or 4 * model["dim"],
        "layer_norm_eps": model["norm"]["eps"],
        "num_attention_heads": model["heads"],
        "num_channels": model["embedding"]["channels"],
        "num_hidden_layers": model["layers"],
        "patch_size": patch,
        "qkv_bias": model["attention"]["bias"] is True,
    }
    return {**found, "pooler_act": ACTIVATION_NAMES[head["pooler"]]} if head["kind"] == "hidden" else found


def body_rules(front: str, model: Mapping[str, Any]) -> list[Line]:
    """Tensors of the body but for the class tokens, under names that begin with `front`."""
    patch = {"c": model["embedding"]["channels"], "p": model["embedding"]["patch"], "q": model["embedding"]["patch"]}
    theirs, ours = f"{front}.encoder.layer.{{n}}", "stack.layers.{n}"
    projection = f"{front}.embeddings.patch_embeddings.projection"
    names = ("query", "key", "value")
    return [
        Rule(f"{projection}.weight", "embedding.projection.weight", "m c p q -> m (c p q)", patch),
        Rule(f"{projection}.bias", "embedding.projection.bias"),
        Rule(f"{front}.embeddings.position_embeddings", "stack.positions.0.table.weight", "1 n m -> n m"),
        *weights(f"{theirs}.layernorm_before", f"{ours}.placement.in_norms.0"),
        *(line for p in names for line in weights(f"{theirs}.attention.attention.{p}", f"{ours}.attention.{p}")),
        *weights(f"{theirs}.attention.output.dense", f"{ours}.attention.out"),
        *weights(f"{theirs}.layernorm_after", f"{ours}.placement.in_norms.1"),
        *weights(f"{theirs}.intermediate.dense", f"{ours}.feedforward.inner"),
        *weights(f"{theirs}.output.dense", f"{ours}.feedforward.outer"),
        *weights(f"{front}.layernorm", "stack.norm"),
        Ignored(f"{front}.embeddings.mask_token"),
    ]


def _sides(size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


def _grid(config: Mapping[str, Any]) -> tuple[int, int]:
    """Rows and columns of patches. Raises CheckpointError for patches that are not square."""
    (height, width), (patch, other) = _sides(config["image_size"]), _sides(config["patch_size"])
    if patch != other:
        raise CheckpointError(f"patch_size: {config['patch_size']} is not implemented, only square patches")
    return height // patch, width // patch
