"""DETR: every case of the oracle, its matching and losses, and the size of the published model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from einops import rearrange
from torch import Tensor

from blocks.embedding import ImageFeatures
from blocks.tap import Tap
from blocks.topology import EncoderDecoder, Topology
from experiments.losses import Objects, Predictions, SetLoss, set_loss
from registry import assemble
from registry.assembly import resolve_block
from registry.faithful import differences

from .system import PUBLISHED, System


class Detr(System):
    """With what is read out of each decoder layer, its losses, and the backbone seen from outside."""

    def arguments(self, case: str) -> dict[str, Tensor]:
        # the losses are those of the masked images
        case = "masked" if case == "loss" else case
        found = {"source": self.oracle.input(case, "pixel_values")}
        if "pixel_mask" in self.oracle.meta["cases"][case]["inputs"]:
            found["source_valid"] = self.oracle.input(case, "pixel_mask").bool()
        return found

    def outputs(self, model: Topology, case: str) -> dict[str, Tensor]:
        if case == "loss":
            return named(self.set_loss(model))
        found = super().outputs(model, case)
        found["pred_boxes"] = found.pop("boxes")
        for number, layer in enumerate(self.predictions(model, case)[:-1]):
            found |= {f"aux_logits_{number}": layer.logits, f"aux_pred_boxes_{number}": layer.boxes}
        return found | self.features(model, case)

    def features(self, model: Topology, case: str) -> dict[str, Tensor]:
        """What the encoder starts from: the backbone's map, and where its cells stand."""
        assert isinstance(model, EncoderDecoder)
        assert isinstance(model.source_embedding, ImageFeatures)
        images, embedding = self.arguments(case)["source"], model.source_embedding
        features = embedding.backbone(images)
        read, at = model.encode(images, self.arguments(case).get("source_valid"))
        valid = torch.ones(read.shape[:2], dtype=torch.bool) if at.valid is None else at.valid
        positions = model.encoder.position(0).mark(torch.zeros_like(read), at, "key")
        return {
            "backbone_features": features,
            "projected_features": rearrange(
                embedding.projection(rearrange(features, "b f h w -> b h w f")), "b h w m -> b m h w"
            ),
            "feature_mask": rearrange(valid, "b (h w) -> b h w", h=features.shape[2]),
            "spatial_positions": positions,
        }

    def predictions(self, model: Topology, case: str) -> Sequence[Predictions]:
        """Of every decoder layer."""
        assert isinstance(model, EncoderDecoder)
        tap = Tap(attention=False)
        model.run(**self.arguments(case), tap=tap)
        outs = [model.read_out(model.decoder.norm(hidden)) for hidden in tap.hidden["decoder"][1:]]
        return [Predictions(out.logits, out.beside["boxes"]) for out in outs]

    def set_loss(self, model: Topology) -> SetLoss:
        objects = [Objects(*self.oracle.inputs("loss", f"labels_{i}", f"boxes_{i}")) for i in range(2)]
        return set_loss(self.predictions(model, "loss"), objects)

    def run_loss(self, model: Topology, case: str) -> Tensor:
        return self.set_loss(model).total

    def read_config(self) -> dict[str, Any]:
        """With the classes, which the oracle's config leaves out, and without the switch that was off in its run."""
        labels = {number: f"LABEL_{number}" for number in range(5)}
        config = {**self.oracle.meta["config"], "id2label": labels, "auxiliary_loss": False}
        return resolve_block(self.conversion.spec(config), self.catalog)


def named(loss: SetLoss) -> dict[str, Tensor]:
    """The oracle's names: layers are numbered but for the last."""
    found = {"loss": loss.total}
    for layer, end in zip(loss.layers, ("_0", "_1", ""), strict=True):
        parts = {"loss_ce": layer.classes, "loss_bbox": layer.l1, "loss_giou": layer.giou}
        parts["cardinality_error"] = layer.cardinality_error
        found |= {f"losses/{name}{end}": value for name, value in parts.items()}
    for number, pairs in enumerate(loss.layers[-1].matching):
        found |= {f"match_query_{number}": pairs.queries, f"match_target_{number}": pairs.targets}
    return found


SYSTEM = Detr("detr", spec="tiny/detr", conversion="detr")
test_outputs, test_gradients, _ = SYSTEM.tests()


@pytest.mark.parametrize("dtype", [torch.float64], indirect=True)
def test_config() -> None:
    """But for the dropout, of which the reference has less than the publication."""
    assert differences(SYSTEM.read_config(), SYSTEM.block, SYSTEM.catalog) == {}


@pytest.mark.parametrize("dtype", [torch.float64], indirect=True)
def test_what_cannot_change_the_loss_has_no_gradient() -> None:
    """Queries that are all zero attend alike: in the first layer, only what the values add counts."""
    found = SYSTEM.gradients()
    zero = [name for name, (ours, _) in found.items() if ours < 1e-10]
    assert sorted(zero) == sorted(SYSTEM.oracle.meta["gradients"]["zero"])
    trained = sum(parameter.requires_grad for parameter in SYSTEM.load(torch.float64).parameters())
    assert len(found) == trained, "the backbone's too"


@pytest.mark.parametrize("dtype", [torch.float32], indirect=True)
def test_the_published_size() -> None:
    """The authors count what is trained: neither the backbone's first two pieces nor its norms."""
    path = PUBLISHED / "detr-r50.yaml"
    with torch.device("meta"):
        model = assemble(path)
    layer = 4 * (256 * 256 + 256) + 2 * 256 * 2048 + 2048 + 256 + 2 * 512
    decoder_layer = layer + 4 * (256 * 256 + 256) + 512
    outside = 2048 * 256 + 256 + 100 * 256 + 512 + 256 * 92 + 92 + 2 * (256 * 256 + 256) + 256 * 4 + 4
    # a ResNet-50 less its classifier and its batch norms
    backbone = 25_557_032 - 2_049_000 - 53_120
    # the 7x7 convolution of the stem, and the first stage's three blocks
    frozen = 3 * 64 * 49 + 64 * (64 + 576 + 256 + 256) + 2 * 64 * (256 + 576 + 256)
    total = 6 * (layer + decoder_layer) + outside + backbone
    assert sum(p.numel() for p in model.parameters()) == total == 41_524_768
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == total - frozen == 41_302_368
    assert "41,302,368" in path.read_text(encoding="utf-8") and "41,524,768" in path.read_text(encoding="utf-8")
