"""Schemes together do what each does alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.attention import FullAttention, Performer
from blocks.coords import Coords
from blocks.masks import Causal
from blocks.position import T5, Alibi, EveryLayer, Learned, NoPosition, Position, Rotary, Several, Shaw, Sinusoidal
from blocks.topology import Decoder
from registry import assemble, build
from registry.errors import SpecError

SIZES: dict[str, Any] = {"dim": 16, "heads": 2, "head_dim": 8, "causal": True}


def several(*schemes: Any, **sizes: Any) -> Several:
    made = build(partial(Several, schemes=schemes), **{**SIZES, **sizes})
    assert isinstance(made, Several)
    return made


def test_it_has_the_hooks_of_its_schemes() -> None:
    assert several(Sinusoidal, Rotary).hooks == {"rotate"}
    assert several(Learned).hooks == frozenset()
    assert several(EveryLayer, Alibi, Shaw).hooks == {"mark", "bias", "content_bias", "content_value"}
    assert several(NoPosition).acts("embed") is False
    assert several(Alibi, T5).relative
    assert not several(Sinusoidal, Rotary).relative
    assert several(partial(Learned, length=9), partial(Learned, length=7)).length == 7
    assert several(Alibi).length is None


def test_it_marks_and_turns_in_order_and_adds_terms_up() -> None:
    torch.manual_seed(0)
    x, t = torch.randn(2, 5, 16), torch.randn(2, 2, 5, 8)
    at, weights = Coords.of(5), torch.rand(2, 2, 5, 5)
    both = several(Learned, Rotary, EveryLayer, partial(Rotary, layout="interleaved"), Alibi, T5, Shaw)
    learned, one, marking, two, alibi, t5, shaw = both.parts
    assert torch.equal(both.embed(x, at), learned.embed(x, at))
    assert torch.equal(both.mark(x, at, "key"), marking.mark(x, at, "key"))
    assert torch.equal(both.rotate(t, at, "query"), two.rotate(one.rotate(t, at, "query"), at, "query"))
    terms = [scheme.bias(at.queries(), at.keys()) for scheme in (alibi, t5)]
    assert torch.equal(both.bias(at.queries(), at.keys()), terms[0] + terms[1])  # type: ignore[arg-type, operator]
    given = t, t, at, at, None
    assert torch.equal(both.content_bias(*given), shaw.content_bias(*given))  # type: ignore[arg-type]
    assert torch.equal(both.content_value(weights, at, at), shaw.content_value(weights, at, at))  # type: ignore[arg-type]
    assert several(Rotary).bias(at.queries(), at.keys()) is None


@pytest.mark.parametrize("attention", [FullAttention, Performer])
def test_a_decoder_with_sinusoids_and_rotary(attention: Any) -> None:
    torch.manual_seed(0)
    both = partial(Several, schemes=[Sinusoidal, Rotary])
    model = Decoder(dim=16, layers=2, heads=2, vocab=11, attention=attention, position=both).eval()
    tokens = torch.randint(0, 11, (2, 7))
    plain = Decoder(dim=16, layers=2, heads=2, vocab=11, attention=attention, position=Rotary).eval()
    plain.load_state_dict(model.state_dict())
    sinusoids = Sinusoidal(16)

    def as_several(x: Tensor, at: Coords) -> Tensor:
        return sinusoids.embed(x, at)

    plain.stack.positions[0].embed = as_several  # type: ignore[method-assign]
    with torch.no_grad():
        assert torch.equal(model(tokens), plain(tokens))


def adds(model: Decoder, x: Tensor) -> Tensor:
    return model.stack.embed(x, Coords.of(x.shape[1])) - x


def test_sinusoids_are_added_once_beside_a_scheme_that_each_layer_has_for_itself() -> None:
    model = Decoder(dim=16, layers=3, heads=2, vocab=11, position=partial(Several, schemes=[Learned, Shaw]))
    x = torch.randn(1, 4, 16)
    assert len(model.stack.positions) == 3
    first, *others = model.stack.positions
    assert isinstance(first, Several)
    torch.testing.assert_close(adds(model, x), first.parts[0].embed(x, Coords.of(4)) - x)
    for other in others:
        assert isinstance(other, Several)
        assert other.parts[0] is first.parts[0]
        assert other.parts[1] is not first.parts[1]


def test_layers_with_heads_of_their_own_share_what_does_not_depend_on_heads() -> None:
    types = {"wide": {"heads": 2}, "narrow": {"heads": 4}}
    position = {"kind": "several", "schemes": ["learned", "rotary"]}
    model = assemble(
        {"topology": "decoder", "dim": 16, "vocab": 11, "layers": ["wide", "narrow"], "layer_types": types}
        | {"position": position}
    )
    assert isinstance(model, Decoder)
    one, other = model.stack.positions
    assert isinstance(one, Several)
    assert isinstance(other, Several)
    assert other.parts[0] is one.parts[0]
    assert [scheme.width for scheme in (one.parts[1], other.parts[1])] == [8, 4]  # type: ignore[attr-defined]
    x = torch.randn(1, 4, 16)
    torch.testing.assert_close(adds(model, x), one.parts[0].embed(x, Coords.of(4)) - x)


def test_what_attention_must_provide_is_what_the_schemes_need() -> None:
    model = {"topology": "decoder", "dim": 16, "heads": 2, "vocab": 11, "attention": "performer"}
    assemble(
        {**model, "position": {"kind": "several", "schemes": [{"kind": "sinusoidal", "layout": "halves"}, "rotary"]}}
    )
    with pytest.raises(SpecError, match=r"attention 'performer' cannot work with position 'alibi'"):
        assemble({**model, "position": {"kind": "several", "schemes": ["sinusoidal", "alibi"]}})
    attention = Performer(16, 2)
    with pytest.raises(ValueError, match="does not provide bias"):
        attention(torch.randn(1, 3, 16), mask=Causal(), position=several(Sinusoidal, Alibi))


def test_a_stranger_before_it_is_no_earlier_instance() -> None:
    earlier: Position = Rotary(8)
    assert several(Learned, earlier=earlier).first
