"""Checkpoints of DETR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.resnet import RENAMED, resnet, resnet_config, resnet_rules
from blocks.conversion.rule import Rule, weights
from blocks.conversion.words import ACTIVATION_NAMES, ACTIVATIONS
from registry import part


@part("conversion", "detr", paper="Carion et al. 2020, arXiv 2005.12872; transformers' DetrForObjectDetection")
class Detr(Conversion):
    """DETR with a ResNet; also the published files, whose backbone has the names of the library timm.

    Written with the backbone of transformers itself, which knows no dilation. Models for segmentation are not read.
    With `auxiliary_loss: true` transformers norms the stream after each decoder layer, unlike the published model.
    """

    model_type = "detr"
    architectures = ("DetrForObjectDetection",)
    settings = {
        "activation_dropout": 0.0,
        "activation_function": "relu",
        "attention_dropout": 0.0,
        "auxiliary_loss": False,
        "backbone": "resnet50",
        "backbone_config": None,
        "d_model": 256,
        "decoder_attention_heads": 8,
        "decoder_ffn_dim": 2048,
        "decoder_layers": 6,
        "dilation": False,
        "dropout": 0.1,
        "encoder_attention_heads": 8,
        "encoder_ffn_dim": 2048,
        "encoder_layers": 6,
        "id2label": {0: "LABEL_0", 1: "LABEL_1"},
        "num_channels": 3,
        "num_queries": 100,
    }
    fixed = {
        "is_encoder_decoder": True,
        "position_embedding_type": "sine",
        "scale_embedding": False,
    }
    # weights of the loss, layers dropped in training, where the backbone began, and what nothing reads
    harmless = (
        "*_coefficient",
        "*_cost",
        "*_layerdrop",
        "backbone_kwargs",
        "classifier_dropout",
        "init_*std",
        "max_position_embeddings",
        "num_hidden_layers",
        "use_*_backbone",
    )
    renamed = RENAMED
    tiny = {
        "backbone_config": {
            "model_type": "resnet",
            "embedding_size": 6,
            "hidden_sizes": [8, 16],
            "depths": [1, 2],
            "out_features": ["stage2"],
        },
        "d_model": 12,
        "decoder_attention_heads": 3,
        "decoder_ffn_dim": 20,
        "decoder_layers": 3,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 14,
        "encoder_layers": 2,
        "id2label": {n: f"LABEL_{n}" for n in range(5)},
        "num_queries": 7,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        attention = {"kind": "full", "dropout": c["attention_dropout"]}
        activation = self.choose(ACTIVATIONS, c, "activation_function")
        inner, outer = (
            {
                "kind": "mlp",
                "hidden": c[f"{side}_ffn_dim"],
                "activation": activation,
                "dropout": c["activation_dropout"],
            }
            for side in ("encoder", "decoder")
        )
        backbone = c["backbone_config"] or {"model_type": "timm_backbone", "backbone": c["backbone"]}
        queries = c["num_queries"]
        return {
            "topology": "encoder_decoder",
            "dim": c["d_model"],
            "layers": c["decoder_layers"],
            "heads": c["decoder_attention_heads"],
            "attention": attention,
            "cross_attention": attention,
            "position": "none",
            "norm": "layer",
            "placement": "post",
            "feedforward": outer,
            "dropout": c["dropout"],
            "init": "detr",
            "encoder": {
                "layers": _apart(c["encoder_layers"], c["decoder_layers"]),
                "heads": _apart(c["encoder_attention_heads"], c["decoder_attention_heads"]),
                "feedforward": _apart(inner, outer),
                "embedding": {
                    "kind": "image_features",
                    "backbone": {**resnet(backbone, c["num_channels"], dilation=c["dilation"]), "frozen": 2},
                },
                "position": {"kind": "every_layer", "scheme": "sinusoidal_2d"},
            },
            "embedding": {"kind": "queries", "count": queries},
            "decoder": {
                "causal": False,
                "final_norm": "every_layer" if c["auxiliary_loss"] else True,
                "position": {"kind": "every_layer", "scheme": {"kind": "learned", "length": queries}},
            },
            "head": {"kind": "detection", "classes": len(c["id2label"])},
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        encoder, decoder = model["encoder"], model["decoder"]
        backbone = encoder["embedding"]["backbone"]
        inner, outer = (side.get("feedforward") or model["feedforward"] for side in (encoder, decoder))
        return {
            "activation_dropout": outer["dropout"],
            "activation_function": ACTIVATION_NAMES[outer["activation"]],
            "attention_dropout": model["attention"]["dropout"],
            "auxiliary_loss": decoder["final_norm"] == "every_layer",
            "backbone_config": resnet_config(backbone),
            "d_model": model["dim"],
            "decoder_attention_heads": decoder.get("heads") or model["heads"],
            "decoder_ffn_dim": outer["hidden"] or 4 * model["dim"],
            "decoder_layers": decoder.get("layers") or model["layers"],
            "dropout": model["dropout"],
            "encoder_attention_heads": encoder.get("heads") or model["heads"],
            "encoder_ffn_dim": inner["hidden"] or 4 * model["dim"],
            "encoder_layers": encoder.get("layers") or model["layers"],
            "id2label": {number: f"LABEL_{number}" for number in range(model["head"]["classes"])},
            "num_channels": backbone["channels"],
            "num_queries": model["embedding"]["count"],
            "use_timm_backbone": False,
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        projection = "model.input_projection", "source_embedding.projection"
        return [
            *resnet_rules("model.backbone.conv_encoder.model", "source_embedding.backbone"),
            Rule(f"{projection[0]}.weight", f"{projection[1]}.weight", "o i 1 1 -> o i"),
            Rule(f"{projection[0]}.bias", f"{projection[1]}.bias"),
            Rule("model.query_position_embeddings.weight", "decoder.positions.0.scheme.table.weight"),
            *_layer_rules("encoder", {"self_attn": "attention"}),
            *_layer_rules("decoder", {"self_attn": "attention", "encoder_attn": "cross"}),
            *weights("model.decoder.layernorm", "decoder.norm"),
            *weights("class_labels_classifier", "head.matrix"),
            *weights("bbox_predictor.layers.{n}", "head.boxes.{n}"),
        ]


def _apart(value: Any, usual: Any) -> Any:
    """A value that sets the encoder apart, None where it does not."""
    return None if value == usual else value


def _layer_rules(stack: str, attentions: Mapping[str, str]) -> Iterator[Line]:
    """The layers of one stack, with their attentions in the order of the norms after them."""
    theirs, ours = f"model.{stack}.layers.{{n}}", f"{stack}.layers.{{n}}"
    for number, (their, our) in enumerate(attentions.items()):
        for short, name in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("out_proj", "out")):
            yield from weights(f"{theirs}.{their}.{short}", f"{ours}.{our}.{name}")
        yield from weights(f"{theirs}.{their}_layer_norm", f"{ours}.placement.out_norms.{number}")
    yield from weights(f"{theirs}.fc1", f"{ours}.feedforward.inner")
    yield from weights(f"{theirs}.fc2", f"{ours}.feedforward.outer")
    yield from weights(f"{theirs}.final_layer_norm", f"{ours}.placement.out_norms.{len(attentions)}")
