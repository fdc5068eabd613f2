"""What is gathered is what the model weighs, by stack, layer and head."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from blocks.attention import LinearAttention, Longformer
from blocks.tap import Tap
from blocks.topology import Decoder, Encoder, EncoderDecoder, Topology
from blocks.topology.layers import LayerType
from experiments.attention_maps.gather import gather
from registry.part import Builder

SIZES: dict[str, Any] = {"dim": 16, "layers": 3, "heads": 4, "vocab": 11}
TYPES = {"local": LayerType(attention=Builder(Longformer, {"window": 2})), "few": LayerType(heads=2)}
TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]])
SOURCE = torch.tensor([[2, 7, 1, 8, 2]])

MODELS: dict[str, tuple[type[Topology], dict[str, Any], dict[str, Tensor]]] = {
    "decoder": (Decoder, {}, {"tokens": TOKENS}),
    "encoder": (Encoder, {}, {"tokens": TOKENS}),
    "encoder_decoder": (EncoderDecoder, {}, {"tokens": TOKENS, "source": SOURCE}),
    "longformer": (Decoder, {"attention": Builder(Longformer, {"window": 4})}, {"tokens": TOKENS}),
    "two kinds": (Encoder, {"layers": ["local", "few"], "layer_types": TYPES}, {"tokens": TOKENS}),
}


def make(name: str) -> tuple[Any, dict[str, Tensor]]:
    kind, options, given = MODELS[name]
    return kind(**{**SIZES, **options}).eval(), given


@pytest.mark.parametrize("name", MODELS)
def test_the_maps_are_those_of_the_tap(name: str) -> None:
    model, given = make(name)
    found = gather(model, given)
    tap = Tap()
    with torch.no_grad():
        output = model.run(**given, tap=tap)
    expected = {**tap.attention, **{("cross", layer): weights for layer, weights in tap.cross.items()}}
    maps = {(stack.name, layer.layer): layer for stack in found.stacks for layer in stack.layers}
    assert maps.keys() == expected.keys()
    for key, weights in expected.items():
        assert list(maps[key].heads) == list(range(weights.shape[1]))
        np.testing.assert_array_equal(maps[key].weights, weights[0].numpy())
        np.testing.assert_allclose(maps[key].weights.sum(-1), 1, atol=1e-5)
    torch.testing.assert_close(found.logits, output.logits[0])


def test_stacks_and_kinds_are_named() -> None:
    found = gather(*make("encoder_decoder"))
    assert [stack.name for stack in found.stacks] == ["encoder", "decoder", "cross"]
    shapes = [stack.layers[0].weights.shape for stack in found.stacks if stack.layers[0].weights is not None]
    assert shapes == [(4, 5, 5), (4, 8, 8), (4, 8, 5)]
    kinds = [(layer.kind, len(layer.heads)) for layer in gather(*make("two kinds")).stacks[0].layers]
    assert kinds == [("longformer", 4), ("full", 2)]


def test_some_layers_and_heads() -> None:
    model, given = make("encoder_decoder")
    whole, some = gather(model, given), gather(model, given, layers={0, 2}, heads=[3, 1])
    for all_of, few in zip(whole.stacks, some.stacks, strict=True):
        assert [layer.layer for layer in few.layers] == [0, 2]
        assert list(few.layers[1].heads) == [1, 3]
        assert few.layers[1].weights is not None and all_of.layers[2].weights is not None
        np.testing.assert_array_equal(few.layers[1].weights, all_of.layers[2].weights[[1, 3]])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"layers": [1, 3]}, "there is no layer 3: the model has 3, counted from 0"),
        ({"heads": [4]}, "there is no head 4: the model has 4, counted from 0"),
        ({"given": {"tokens": TOKENS.repeat(2, 1)}}, "one row at a time"),
    ],
)
def test_what_is_not_there_is_refused(more: dict[str, Any], words: str) -> None:
    model, given = make("decoder")
    with pytest.raises(ValueError, match=words):
        gather(model, **{"given": given, **more})


def test_a_kind_without_weights_is_named_with_the_reason() -> None:
    model, given = make("decoder")
    attention = model.stack.layers[1].attention
    attention.provides = attention.provides - {"weights"}
    layers = gather(model, given).stacks[0].layers
    assert [layer.weights is None for layer in layers] == [False, True, False]
    assert layers[1].why.startswith("attention 'full' has no weights to show")


def test_weights_that_are_not_finite_are_no_map() -> None:
    model, given = make("decoder")
    with torch.no_grad():
        model.stack.layers[2].attention.query.weight.fill_(float("nan"))
    layers = gather(model, given).stacks[0].layers
    assert [layer.why for layer in layers] == ["", "", "the weights of attention 'full' are not finite numbers"]


def test_linear_attention_has_weights_too() -> None:
    model = Decoder(**SIZES, attention=LinearAttention).eval()
    weights = gather(model, {"tokens": TOKENS}).stacks[0].layers[0].weights
    assert weights is not None and weights.shape == (4, 8, 8)


def test_a_model_in_training_is_refused() -> None:
    with pytest.raises(ValueError, match="in training mode"):
        gather(Decoder(**SIZES, dropout=0.5), {"tokens": TOKENS})
