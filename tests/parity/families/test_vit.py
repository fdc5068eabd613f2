"""Checkpoints of ViT and DeiT against transformers."""

from __future__ import annotations

from typing import Any

import torch

from .encoder import Try, each, encoder_test
from .family import Case


def images(reference: Any) -> list[Case]:
    """Images of the size that was learned, and of another one."""
    config, dice = reference.config, torch.Generator().manual_seed(1)
    size = config.image_size if isinstance(config.image_size, (list, tuple)) else [config.image_size] * 2
    cases = []
    for name, (height, width) in {"learned size": size, "another size": (15, 30)}.items():
        pixels = torch.randn(2, config.num_channels, height, width, generator=dice)
        theirs = {"pixel_values": pixels, "interpolate_pos_encoding": name == "another size"}
        cases.append(Case(name, theirs, {"tokens": pixels}))
    return cases


test_vit = encoder_test(
    "vit",
    [
        *each("vit"),
        Try(
            "ViTForImageClassification",
            {"qkv_bias": False, "hidden_act": "gelu_new", "layer_norm_eps": 1e-6, "image_size": 15},
        ),
        Try("ViTModel", {"pooler_act": "relu"}),
    ],
    make_cases=images,
)
test_deit = encoder_test("deit", each("deit"), make_cases=images)
