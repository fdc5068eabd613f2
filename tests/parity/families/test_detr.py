"""Checkpoints of DETR against transformers, with both kinds of blocks, and under the published names of a backbone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import experiments
from blocks.conversion import Detr
from blocks.tap import Tap
from blocks.topology import EncoderDecoder
from registry import load_pretrained
from registry.assembly import resolve_block
from registry.catalog import Catalog
from registry.faithful import differences
from registry.load import load

from .family import Case, Family, family_test, theirs

SPEC = Path(experiments.__file__).parent / "specs" / "published" / "detr-r50.yaml"
BASIC = {
    "backbone_config": {
        "model_type": "resnet",
        "num_channels": 1,
        "embedding_size": 6,
        "hidden_sizes": [6, 10],
        "depths": [2, 1],
        "layer_type": "basic",
        "out_features": ["stage2"],
    },
    "num_channels": 1,
    "encoder_attention_heads": 3,
    "encoder_ffn_dim": 20,
    "activation_function": "gelu",
}


def lively(reference: Any) -> None:
    """Norms that do something, and queries far enough from each other to be told apart."""
    dice = torch.Generator().manual_seed(5)
    for name, buffer in reference.named_buffers():
        if buffer.is_floating_point():
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=dice))
            assert buffer.dtype == torch.float64, name
    with torch.no_grad():
        reference.model.query_position_embeddings.weight.mul_(5)


def images(reference: Any) -> list[Case]:
    """Two images, as they are and with the second one padded."""
    channels = reference.config.backbone_config.num_channels
    pixels = torch.randn(2, channels, 40, 56, generator=torch.Generator().manual_seed(2))
    valid = torch.ones(2, 40, 56, dtype=torch.bool)
    valid[1, 29:], valid[1, :, 41:] = False, False
    padded = pixels * valid.unsqueeze(1)
    return [
        Case("plain", {"pixel_values": pixels}, {"source": pixels}),
        Case(
            "padded",
            {"pixel_values": padded, "pixel_mask": valid.long()},
            {"source": padded, "source_valid": valid},
        ),
    ]


test_detr = family_test("detr", {}, BASIC, {"auxiliary_loss": True}, prepare=lively, make_cases=images)


@pytest.mark.parity
@torch.no_grad()
def test_what_the_head_reads_of_each_layer_where_every_layer_is_normed(tmp_path: Path) -> None:
    family = Family("detr", {"auxiliary_loss": True}, prepare=lively, make_cases=images)
    with theirs():
        family.reference.save_pretrained(tmp_path)
    model, case, tap = load_pretrained(tmp_path), family.cases[1], Tap(attention=False)
    assert isinstance(model, EncoderDecoder)
    model.run(**case.ours, tap=tap)
    with theirs():
        want = family.reference.model(**case.theirs).intermediate_hidden_states
    got = [model.decoder.norm(hidden) for hidden in tap.hidden["decoder"][1:]]
    torch.testing.assert_close(torch.stack(got), want, rtol=0, atol=1e-9 * float(want.abs().max()))


@pytest.mark.parity
@torch.no_grad()
def test_boxes(tmp_path: Path) -> None:
    family = Family("detr", prepare=lively, make_cases=images)
    with theirs():
        family.reference.save_pretrained(tmp_path)
    model = load_pretrained(tmp_path)
    assert isinstance(model, EncoderDecoder)
    for case in family.cases:
        with theirs():
            want = family.reference(**case.theirs).pred_boxes
        torch.testing.assert_close(model.run(**case.ours).beside["boxes"], want, rtol=0, atol=1e-12)
        assert float(want.std(1).min()) > 1e-3, "the queries are told apart"


TIMM = [
    (r"embedder\.embedder\.convolution", "conv1"),
    (r"embedder\.embedder\.normalization", "bn1"),
    (r"encoder\.stages\.(\d)\.layers", lambda found: f"layer{int(found[1]) + 1}"),
    (r"layer\.(\d)\.convolution", lambda found: f"conv{int(found[1]) + 1}"),
    (r"layer\.(\d)\.normalization", lambda found: f"bn{int(found[1]) + 1}"),
    (r"shortcut\.convolution", "downsample.0"),
    (r"shortcut\.normalization", "downsample.1"),
]


@pytest.mark.parity
@torch.no_grad()
def test_the_names_of_the_published_files(tmp_path: Path) -> None:
    """The same weights, as the files on the hub name the backbone's."""
    family = Family("detr", prepare=lively, make_cases=images)
    with theirs():
        family.reference.save_pretrained(tmp_path)
    before = load_pretrained(tmp_path)
    file, renamed = tmp_path / "model.safetensors", {}
    for name, tensor in load_file(file).items():
        for ours, timms in TIMM:
            name = re.sub(ours, timms, name)
        renamed[name] = tensor
    assert {"model.backbone.conv_encoder.model.layer2.0.downsample.1.running_var"} <= renamed.keys()
    save_file(renamed, file, metadata={"format": "pt"})
    after = load_pretrained(tmp_path)
    for case in family.cases:
        assert torch.equal(after(**case.ours), before(**case.ours))


@pytest.mark.parity
@pytest.mark.parametrize("timm", [False, True])
def test_the_published_config_is_the_published_spec(timm: bool) -> None:
    with theirs():
        from transformers import DetrConfig, ResNetConfig

        own = {} if timm else {"backbone_config": ResNetConfig(out_features=["stage4"])}
        config = json.loads(DetrConfig(num_labels=91, **own).to_json_string())
    catalog = Catalog.load()
    read = resolve_block(Detr().spec(config), catalog)
    assert differences(read, load(SPEC).full["model"], catalog) == {}


@pytest.mark.parity
def test_the_published_size() -> None:
    with torch.device("meta"), theirs():
        from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

        config = DetrConfig(num_labels=91, backbone_config=ResNetConfig(out_features=["stage4"]))
        reference = DetrForObjectDetection(config)
    assert sum(p.numel() for p in reference.parameters()) == 41_524_768
