"""ResNet backbones inside checkpoints: settings and names of transformers' own, and those of the library timm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule
from registry.checkpoint_errors import CheckpointError

SETTINGS = {
    "num_channels": 3,
    "embedding_size": 64,
    "hidden_sizes": [256, 512, 1024, 2048],
    "depths": [3, 4, 6, 3],
    "layer_type": "bottleneck",
}
"""With the defaults of transformers: a ResNet-50."""
FIXED = {"hidden_act": "relu", "downsample_in_first_stage": False, "downsample_in_bottleneck": False}
SMALL = {"layer_type": "basic", "hidden_sizes": [64, 128, 256, 512]}
TIMM: Mapping[str, Mapping[str, Any]] = {
    "resnet18": {**SMALL, "depths": [2, 2, 2, 2]},
    "resnet34": {**SMALL, "depths": [3, 4, 6, 3]},
    "resnet50": {},
    "resnet101": {"depths": [3, 4, 23, 3]},
}
"""What timm calls a backbone -> where it differs from the settings above."""
RENAMED = {
    "conv_encoder.model.conv1.": "conv_encoder.model.embedder.embedder.convolution.",
    "conv_encoder.model.bn1.": "conv_encoder.model.embedder.embedder.normalization.",
    **{f"conv_encoder.model.layer{n + 1}.": f"conv_encoder.model.encoder.stages.{n}.layers." for n in range(4)},
    **{f".conv{n + 1}.": f".layer.{n}.convolution." for n in range(3)},
    **{f".bn{n + 1}.": f".layer.{n}.normalization." for n in range(3)},
    ".downsample.0.": ".shortcut.convolution.",
    ".downsample.1.": ".shortcut.normalization.",
}
"""timm's names -> those of transformers; the first names must be replaced first."""


def resnet(given: Mapping[str, Any], channels: int, *, dilation: bool) -> dict[str, Any]:
    """Our block for a `backbone_config`. channels: of images, where it does not say.

    Raises CheckpointError for what is no ResNet, or ends before its last stage.
    """
    kind = given.get("model_type")
    if kind == "timm_backbone" and given.get("backbone") in TIMM:
        found = {**SETTINGS, "num_channels": channels, **TIMM[given["backbone"]]}
        dilation = dilation or given.get("output_stride") == 16
    elif kind == "resnet":
        found = {**SETTINGS, **given}
        stages = len(found["depths"])
        ends = {"out_features": [f"stage{stages}"], "out_indices": [stages]}
        fixed = {**FIXED, **{key: value for key, value in ends.items() if given.get(key)}}
        wrong = [f"{key}: {found[key]!r}" for key, value in fixed.items() if found.get(key, value) != value]
        if wrong:
            raise CheckpointError(f"backbone_config: {', '.join(wrong)} is not implemented, only {fixed}")
    else:
        raise CheckpointError(f"the backbone {given.get('backbone', kind)} is not implemented")
    return {
        "kind": "resnet",
        "block": found["layer_type"],
        "stem": found["embedding_size"],
        "widths": list(found["hidden_sizes"]),
        "depths": list(found["depths"]),
        "dilation": dilation,
        "channels": found["num_channels"],
    }


def resnet_config(block: Mapping[str, Any]) -> dict[str, Any]:
    """The `backbone_config` of our block. Raises CheckpointError for a dilation, which only timm's has."""
    if block["dilation"]:
        raise CheckpointError("the ResNet of transformers has no dilation")
    return {
        "model_type": "resnet",
        "num_channels": block["channels"],
        "embedding_size": block["stem"],
        "hidden_sizes": list(block["widths"]),
        "depths": list(block["depths"]),
        "layer_type": block["block"],
        "out_features": [f"stage{len(block['depths'])}"],
    }


def resnet_rules(theirs: str, ours: str) -> Iterator[Line]:
    """Convolutions without bias, each with a norm of which all four parts are buffers."""
    block, our_block = f"{theirs}.encoder.stages.{{s}}.layers.{{b}}", f"{ours}.stages.{{s}}.{{b}}"
    parts = {"weight": "weight", "bias": "bias", "running_mean": "mean", "running_var": "variance"}
    for their, our in (
        (f"{theirs}.embedder.embedder", f"{ours}.stem"),
        (f"{block}.layer.{{n}}", f"{our_block}.layers.{{n}}"),
        (f"{block}.shortcut", f"{our_block}.shortcut"),
    ):
        yield Rule(f"{their}.convolution.weight", f"{our}.convolution.weight")
        yield from (Rule(f"{their}.normalization.{a}", f"{our}.norm.{b}") for a, b in parts.items())
        yield Ignored(f"{their}.normalization.num_batches_tracked")
