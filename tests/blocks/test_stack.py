"""Stacks, restated layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from blocks.attention import Attention, FullAttention
from blocks.coords import Coords
from blocks.feedforward import FeedForward, Mlp
from blocks.init import DeepNormInit, GPT2Init
from blocks.masks import Causal, Full
from blocks.norm import LayerNorm, Norm, RMSNorm
from blocks.placement import DeepNorm, Parallel, Placement, Post, Pre
from blocks.position import T5, Alibi, Learned, NoPosition, Position, Rotary, Shaw, Sinusoidal
from blocks.stack import FinalNorm, Flow, LayerPlan, Stack, StackPlan
from blocks.tap import Tap
from registry import Build
from registry.state import owned

DIM, N = 8, 6


def layer(
    heads: int = 2,
    attention: Build[Attention] = FullAttention,
    position: Build[Position] = NoPosition,
    norm: Build[Norm] = LayerNorm,
    placement: Build[Placement] = Pre,
    feedforward: Build[FeedForward] = Mlp,
    **given: Any,
) -> LayerPlan:
    return LayerPlan(heads, attention, position, norm, placement, feedforward, **given)


def stack(
    *layers: LayerPlan, final_norm: FinalNorm | None = None, final_dropout: float = 0.0, causal: bool = True
) -> Stack:
    made = Stack(StackPlan(DIM, "decoder", layers, 0, len(layers), causal, final_norm, final_dropout)).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made


def flow(**given: Any) -> Flow:
    return Flow(Coords.of(N), Causal(), **given)


def pre(x: Tensor, norms: nn.ModuleList, sublayers: list[Callable[[Tensor], Tensor]]) -> Tensor:
    for norm, sublayer in zip(norms, sublayers, strict=True):
        x = x + sublayer(norm(x))
    return x


def test_a_pre_norm_stack() -> None:
    made, x = stack(layer(position=Rotary), layer(position=Rotary)), torch.randn(2, N, DIM).double()
    right = x
    for number in (0, 1):
        one = made.layers[number]
        position = made.positions[made.position_of[number]]
        sublayers = [partial(one.attention, at=Coords.of(N), mask=Causal(), position=position), one.feedforward]
        right = pre(right, one.placement.in_norms, sublayers)  # type: ignore[arg-type]
    torch.testing.assert_close(made(x, flow()), made.norm(right), rtol=1e-12, atol=1e-12)


def test_a_post_norm_stack_ends_without_a_norm() -> None:
    made, x = stack(layer(placement=Post)), torch.randn(2, N, DIM).double()
    one = made.layers[0]
    norms = one.placement.out_norms
    right = norms[0](x + one.attention(x, mask=Causal()))  # type: ignore[operator, index]
    right = norms[1](right + one.feedforward(right))  # type: ignore[operator, index]
    torch.testing.assert_close(made(x, flow()), right, rtol=1e-12, atol=1e-12)
    assert isinstance(made.norm, nn.Identity)


def test_parallel_sublayers() -> None:
    made, x = stack(layer(placement=Parallel)), torch.randn(2, N, DIM).double()
    one = made.layers[0]
    y = one.placement.norms[0](x)  # type: ignore[operator, index]
    right = made.norm(x + one.attention(y, mask=Causal()) + one.feedforward(y))
    torch.testing.assert_close(made(x, flow()), right, rtol=1e-12, atol=1e-12)


def test_cross_attention_stands_between_and_sees_no_positions() -> None:
    made = stack(layer(position=Rotary, cross=FullAttention))
    x, source = torch.randn(2, N, DIM).double(), torch.randn(2, 4, DIM).double()
    one = made.layers[0]
    assert one.cross is not None
    sublayers = [
        partial(one.attention, at=Coords.of(N), mask=Causal(), position=made.positions[0]),
        partial(one.cross, source=source),
        one.feedforward,
    ]
    right = made.norm(pre(x, one.placement.in_norms, sublayers))  # type: ignore[arg-type]
    torch.testing.assert_close(made(x, flow(source=source, source_at=Coords.of(4))), right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("placement", "final_norm", "expected"),
    [(Pre, None, True), (Post, None, False), (Pre, False, False), (Post, True, True), (DeepNorm, None, False)],
)
def test_the_placement_says_whether_a_norm_ends_the_stack(placement: Any, final_norm: Any, expected: bool) -> None:
    made = stack(layer(placement=placement, norm=RMSNorm), final_norm=final_norm)
    assert isinstance(made.norm, RMSNorm) is expected


def test_a_norm_after_every_layer_is_the_final_one_and_stands_twice_after_the_last() -> None:
    made, x = stack(layer(placement=Post), layer(placement=Post), final_norm="every_layer"), torch.randn(2, N, DIM)
    tap, position = Tap(), made.positions[0]
    out = made(x.double(), flow(tap=tap))
    first = made.layers[0](x.double(), flow(), position)
    second = made.layers[1](made.norm(first), flow(), position)
    torch.testing.assert_close(out, made.norm(made.norm(second)), rtol=1e-12, atol=1e-12)
    # what a head reads of a layer that is not the last one passes through the norm once
    assert all(torch.equal(*pair) for pair in zip(tap.hidden["decoder"], [x.double(), first, second], strict=True))
    assert len([name for name, _ in made.named_parameters() if "placement" not in name and "norm" in name]) == 2


def test_dropout_after_the_last_norm_in_training() -> None:
    made, x = stack(layer(), final_dropout=0.5), torch.randn(50, N, DIM).double()
    whole = made(x, flow())
    dropped = made.train()(x, flow())
    kept = dropped != 0
    assert 0.4 < float(kept.double().mean()) < 0.6
    torch.testing.assert_close(dropped[kept], 2 * whole[kept], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("position", "count"), [(T5, 1), (Rotary, 1), (Shaw, 3), (Learned, 1), (Alibi, 1)])
def test_schemes_are_shared_by_the_layers_unless_they_want_their_own(position: Any, count: int) -> None:
    made = stack(*[layer(position=position)] * 3)
    assert len(made.positions) == count
    assert made.position_of == ([0, 1, 2] if count == 3 else [0, 0, 0])


def test_layers_may_name_different_schemes() -> None:
    rotary: Build[Position] = partial(Rotary, base=100.0)
    made = stack(layer(position=rotary), layer(position=NoPosition), layer(position=rotary))
    assert made.position_of == [0, 1, 0]


def test_layers_of_other_heads_have_their_own_instance_of_a_scheme_of_heads() -> None:
    made = stack(layer(heads=2, position=Alibi), layer(heads=4, position=Alibi))
    assert made.position_of == [0, 1]
    assert made(torch.randn(1, N, DIM).double(), flow()).shape == (1, N, DIM)


@pytest.mark.parametrize("position", [Sinusoidal, Learned])
def test_what_is_added_to_the_stream_is_added_once_whatever_the_heads(position: Any) -> None:
    made, x = stack(layer(heads=2, position=position), layer(heads=4, position=position)), torch.zeros(1, N, DIM)
    [scheme] = made.positions
    assert torch.equal(made.embed(x.double(), Coords.of(N)), scheme.embed(x.double(), Coords.of(N)))


@pytest.mark.parametrize("causal", [True, False])
def test_a_scheme_is_told_whether_the_stack_is_causal(causal: bool) -> None:
    [scheme] = stack(layer(position=T5), causal=causal).positions
    assert isinstance(scheme, T5)
    assert scheme.causal is causal


def test_dropout_is_on_the_output_of_every_sublayer_in_training() -> None:
    class Ones(FeedForward):
        def forward(self, x: Tensor) -> Tensor:
            return torch.ones_like(x)

    class OnesAttention(Attention):
        provides = frozenset({"causal"})
        heads = head_dim = 1

        def mix(self, x: Tensor, *args: Any) -> Tensor:
            return torch.ones_like(x)

    built = layer(attention=lambda: OnesAttention(), cross=None, feedforward=lambda: Ones(), dropout=0.5, placement=Pre)
    made = Stack(StackPlan(DIM, "decoder", [built], 0, 1, True, final_norm=False))
    x = torch.zeros(50, N, DIM)
    assert (made.eval()(x, flow()) == 2).all()
    values = made.train()(x, flow()).unique().tolist()
    # each of the two ones is dropped or doubled
    assert values == [0, 2, 4]


def test_caches_follow_the_layers_and_their_rows() -> None:
    made, x = stack(layer(position=Rotary), layer(position=Rotary)), torch.randn(3, N, DIM).double()
    whole = made(x, flow())
    caches = made.new_caches()
    assert len(caches) == 2
    with torch.no_grad():
        first = made(x[:, :4], Flow(Coords.of(4), Causal()), caches)
        torch.testing.assert_close(first, whole[:, :4], rtol=1e-10, atol=1e-10)
        rows = torch.tensor([2, 0])
        rest = made(x[rows, 4:], Flow(Coords.of(2, start=4), Causal()), [cache.select(rows) for cache in caches])
    torch.testing.assert_close(rest, whole[rows, 4:], rtol=1e-10, atol=1e-10)


def test_a_placement_s_own_initialisation_is_used_unless_one_is_given() -> None:
    plan = layer(placement=DeepNorm)
    made = Stack(StackPlan(64, "decoder", [plan] * 2, 0, 2, True, final_norm=None))
    made.initialise(None, 0)
    right = DeepNormInit()
    weight = torch.empty(64, 64)
    torch.manual_seed(0)
    right.fill(weight, "value", made.site())
    assert float(made.layers[0].attention.value.weight.detach().std()) == pytest.approx(float(weight.std()), rel=0.1)  # type: ignore[union-attr, operator]
    made.initialise(GPT2Init, 0)
    assert float(made.layers[0].attention.value.weight.detach().std()) == pytest.approx(0.02, rel=0.1)  # type: ignore[union-attr, operator]


def test_the_site_counts_residual_additions() -> None:
    assert stack(layer(), layer()).site().branches == 4
    assert stack(layer(cross=FullAttention)).site().branches == 3
    site = stack(layer()).site()
    assert (site.dim, site.head_dim, site.decoder_layers, site.encoder_layers) == (DIM, 4, 1, 0)


def test_padding_reaches_every_layer() -> None:
    made = stack(layer(), layer())
    x, valid = torch.randn(1, N, DIM).double(), torch.tensor([[False, False, True, True, True, True]])
    out = made(x, Flow(Coords.of(N, valid=valid), Full()))
    alone = made(x[:, 2:], Flow(Coords.of(4), Full()))
    torch.testing.assert_close(out[:, 2:], alone, rtol=1e-10, atol=1e-10)


def test_a_shared_layer_is_used_again_and_owned_once() -> None:
    plan, other = layer(position=Rotary, shared=True), layer(position=Rotary)
    made, x = stack(plan, plan, other, plan), torch.randn(2, N, DIM).double()
    one = made.layers[0]
    assert [number for number, each in enumerate(made.layers) if each is one] == [0, 1, 3]
    names = {name.split(".")[1] for name in owned(made) if name.startswith("layers.")}
    assert names == {"0", "2"}
    right = x
    for number in range(4):
        right = made.layers[number](right, flow(), made.position(number))
    torch.testing.assert_close(made(x, flow()), made.norm(right), rtol=1e-12, atol=1e-12)
    # each place has a cache of its own, and is seen apart
    caches = made.new_caches()
    assert len({id(cache) for cache in caches}) == 4
    tap = Tap()
    made(x, flow(tap=tap))
    assert sorted(number for _, number in tap.attention) == [0, 1, 2, 3]
    assert not torch.equal(tap.attention["decoder", 0], tap.attention["decoder", 1])
