from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from blocks.backbone import ResNet
from blocks.backbone.frozen_norm import FrozenBatchNorm
from blocks.backbone.resnet import ConvNorm
from blocks.init import Site, XavierInit, initialise


def test_the_frozen_norm_is_batch_norm_that_has_stopped() -> None:
    norm, x = FrozenBatchNorm(3).double(), torch.randn(2, 3, 4, 5).double()
    for buffer in norm.buffers():
        buffer.uniform_(0.5, 2.0)
    right = functional.batch_norm(x, norm.mean, norm.variance, norm.weight, norm.bias, training=False, eps=1e-5)
    for training in (False, True):
        torch.testing.assert_close(norm.train(training)(x), right, rtol=1e-12, atol=1e-12)
    assert not list(norm.parameters()), "it is not trained"
    assert set(norm.state_dict()) == {"weight", "bias", "mean", "variance"}, "and it is saved"


def conv(layer: ConvNorm, x: Tensor, stride: int = 1, dilation: int = 1) -> Tensor:
    size = layer.convolution.kernel_size[0]
    padding = dilation * (size - 1) // 2
    return layer.norm(functional.conv2d(x, layer.convolution.weight, None, stride, padding, dilation))


def lively(backbone: ResNet) -> ResNet:
    """With norms that do something."""
    for buffer in backbone.buffers():
        buffer.uniform_(0.5, 1.5)
    return backbone.double()


def test_a_bottleneck_moves_on_by_its_3x3() -> None:
    net, images = lively(ResNet(stem=4, widths=[8, 12], depths=[1, 2])), torch.randn(2, 3, 21, 30).double()
    x = functional.max_pool2d(conv(net.stem, images, 2).relu(), 3, 2, 1)
    for stage, strides in zip(net.stages, ([1], [2, 1]), strict=True):
        for block, stride in zip(stage, strides, strict=True):  # type: ignore[call-overload]
            first, second, third = block.layers
            y = conv(third, conv(second, conv(first, x).relu(), stride).relu())
            x = (y + (x if isinstance(block.shortcut, nn.Identity) else conv(block.shortcut, x, stride))).relu()
    torch.testing.assert_close(net(images), x, rtol=1e-10, atol=1e-10)
    assert x.shape == (2, net.features, 3, 4), "21 and 30 pixels at stride 8, rounded up"


def test_a_basic_block_has_two_3x3() -> None:
    net, images = (
        lively(ResNet(block="basic", stem=4, widths=[4, 6], depths=[1, 1])),
        torch.randn(1, 3, 16, 16).double(),
    )
    x = functional.max_pool2d(conv(net.stem, images, 2).relu(), 3, 2, 1)
    for stage, stride in zip(net.stages, (1, 2), strict=True):
        block = stage[0]  # type: ignore[index]
        y = conv(block.layers[1], conv(block.layers[0], x, stride).relu())
        x = (y + (x if stride == 1 else conv(block.shortcut, x, stride))).relu()
    torch.testing.assert_close(net(images), x, rtol=1e-10, atol=1e-10)


def test_dilation_keeps_the_map_of_the_last_stage_large() -> None:
    options: dict[str, Any] = {"stem": 4, "widths": [8, 8, 16], "depths": [1, 1, 3]}
    plain, spread = ResNet(**options), lively(ResNet(**options, dilation=True))
    assert (plain.stride, spread.stride) == (16, 8)
    images = torch.randn(1, 3, 32, 32).double()
    assert spread(images).shape == (1, 16, 4, 4)
    x = spread.stages[1](spread.stages[0](functional.max_pool2d(spread.stem(images).relu(), 3, 2, 1)))
    for block, dilation in zip(spread.stages[2], (1, 2, 2), strict=True):  # type: ignore[call-overload]
        first, second, third = block.layers
        y = conv(third, conv(second, conv(first, x).relu(), 1, dilation).relu())
        x = (y + (x if isinstance(block.shortcut, nn.Identity) else conv(block.shortcut, x))).relu()
    torch.testing.assert_close(spread(images), x, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        # of the published networks, less the classifier (512 or 2048 x 1000, and 1000) and the norms (2 a channel)
        ({"block": "basic", "widths": [64, 128, 256, 512], "depths": [2, 2, 2, 2]}, 11_689_512 - 513_000 - 9_600),
        ({"block": "basic", "widths": [64, 128, 256, 512], "depths": [3, 4, 6, 3]}, 21_797_672 - 513_000 - 17_024),
        ({}, 25_557_032 - 2_049_000 - 53_120),
        ({"depths": [3, 4, 23, 3]}, 44_549_160 - 2_049_000 - 105_344),
    ],
    ids=["18", "34", "50", "101"],
)
def test_the_published_networks_have_the_published_size(options: dict[str, Any], parameters: int) -> None:
    with torch.device("meta"):
        net = ResNet(**options)
    assert sum(p.numel() for p in net.parameters()) == parameters


@pytest.mark.parametrize("frozen", [0, 1, 2, 3, 9])
def test_the_first_stages_can_keep_their_weights(frozen: int) -> None:
    net = ResNet(stem=4, widths=[4, 8], depths=[1, 1], frozen=frozen)
    for number, piece in enumerate([net.stem, *net.stages]):
        assert {p.requires_grad for p in piece.parameters()} == {number >= frozen}


@pytest.mark.parametrize("again", [False, True])
def test_starts_so_that_features_keep_their_size(again: bool) -> None:
    net = ResNet(widths=[256, 512], depths=[1, 1])
    if again:
        initialise(net, XavierInit(), Site(8, 4, 4, "encoder", 2, 2), seed=0)
    weight = net.stages[1][0].layers[2].convolution.weight  # type: ignore[index, union-attr]
    assert weight.shape[:2] == (512, 128)
    assert float(weight.detach().std()) == pytest.approx((2 / 512) ** 0.5, rel=0.02)


def test_refuses_widths_and_depths_that_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="2 widths and 1 depths: one for each stage"):
        ResNet(widths=[8, 16], depths=[1])
    with pytest.raises(ValueError, match=r"a quarter as wide inside: \[8, 6\] are not multiples of 4"):
        ResNet(widths=[8, 6], depths=[1, 1])
