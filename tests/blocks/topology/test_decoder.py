from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from blocks.attention import Attention, FullAttention, LinearAttention, Longformer
from blocks.coords import Coords
from blocks.embedding import Marks
from blocks.head import LMHead
from blocks.masks import Causal, Prefix
from blocks.norm import RMSNorm
from blocks.position import Learned, Sinusoidal
from blocks.stack import Flow
from blocks.topology import Decoder
from blocks.topology.layers import LayerType, Pattern

IDS = torch.tensor([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]])


def make(**options: Any) -> Decoder:
    given = {"dim": 8, "layers": 2, "heads": 2, "vocab": 11, **options}
    made = Decoder(**given).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made


@pytest.mark.parametrize("position", [Sinusoidal, Learned])
def test_embedding_positions_layers_head(position: Any) -> None:
    model = make(position=position)
    [scheme] = model.stack.positions
    x = model.embedding.weight[IDS]
    hidden = model.stack(scheme.embed(x, Coords.of(6)), Flow(Coords.of(6), Causal()))
    out = model.run(IDS)
    torch.testing.assert_close(out.hidden, hidden, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(out.logits, hidden @ model.embedding.weight.T, rtol=1e-12, atol=1e-12)
    assert torch.equal(model(IDS), out.logits)
    assert out.source is None


def test_tied_and_untied_heads() -> None:
    tied, untied = make(), make(head=partial(LMHead, tied=False))
    count = [sum(p.numel() for p in m.parameters()) for m in (tied, untied)]
    assert count[1] - count[0] == 11 * 8
    untied(IDS).sum().backward()
    assert not torch.equal(untied.head.matrix.weight, untied.embedding.weight)  # type: ignore[union-attr, operator]


def test_a_prefix_is_visible_to_all_and_without_marks_there_is_none() -> None:
    model, plain = make(prefix=True), make()
    plain.load_state_dict(model.state_dict())
    assert torch.equal(model(IDS), plain(IDS))
    marks = torch.tensor([[True, True, True, False, False, False]])
    hidden = model.stack(
        model.embedding(IDS, Marks(), model.stack.embed).x, Flow(Coords.of(6, prefix=marks), Causal() | Prefix())
    )
    torch.testing.assert_close(model.run(IDS, prefix=marks).hidden, hidden, rtol=1e-12, atol=1e-12)
    changed = IDS.clone()
    changed[:, 2] = 0
    moved = (model.run(changed, prefix=marks).hidden - model.run(IDS, prefix=marks).hidden).abs().amax(-1) > 1e-9
    assert moved.all(), "the last token of the prefix is seen by the first"


def test_layer_types_and_patterns() -> None:
    types = {"near": LayerType(attention=partial(FullAttention, window=2)), "far": LayerType(norm=RMSNorm, heads=4)}
    model = make(layers=Pattern(3, ["near", "far"]), layer_types=types)
    near, far, again = model.stack.layers
    assert (near.attention.window, far.attention.window, again.attention.window) == (2, None, 2)
    assert (near.attention.heads, far.attention.heads) == (2, 4)
    assert isinstance(far.placement.in_norms[0], RMSNorm)  # type: ignore[index]
    assert model(IDS).shape == (2, 6, 11)


def test_segments_and_named_globals_reach_the_layers() -> None:
    segment = torch.tensor([[0, 0, 0, 1, 1, 1]])
    model = make()
    torch.testing.assert_close(model(IDS, segment=segment)[:, 3:], model(IDS[:, 3:]), rtol=1e-10, atol=1e-10)
    wide = make(attention=partial(Longformer, window=2))
    marks = torch.tensor([[False, True, False, False, False, False]])
    assert not torch.allclose(wide(IDS, globals=marks), wide(IDS))


def test_positions_of_padded_rows_are_counted_while_decoding() -> None:
    model = make(position=Sinusoidal)
    valid = torch.tensor([[False, False, True, True, True, True], [True] * 6])
    state = model.new_state()
    with torch.no_grad():
        model(IDS[:, :4], valid=valid[:, :4], state=state)
        assert state.start == 4
        assert state.offset is not None
        assert state.offset.tolist() == [[2], [4]]
        last = model(IDS[:, 4:], state=state)
        assert state.offset.tolist() == [[4], [6]]
    torch.testing.assert_close(last[0], model(IDS[:1, 2:])[0, 2:], rtol=1e-10, atol=1e-10)


def test_a_layer_without_a_cache_sees_the_tokens_at_hand_alone() -> None:
    model = make(position=Sinusoidal)
    state = model.new_state()
    with torch.no_grad():
        model(IDS[:, :4], state=state)
        state.caches[1] = None
        chosen = state.select(torch.tensor([1, 0]))
        assert chosen.caches[1] is None
        out = model(IDS[:, 4:].flip(0), state=chosen).flip(0)
    at = Coords.of(2, start=4)
    x = model.stack.embed(model.embedding.weight[IDS], Coords.of(6))
    x = model.stack.layers[0](x, Flow(Coords.of(6), Causal()), model.stack.position(0))[:, 4:]
    x = model.stack.norm(model.stack.layers[1](x, Flow(at, Causal()), model.stack.position(1)))
    torch.testing.assert_close(out, x @ model.embedding.weight.T, rtol=1e-10, atol=1e-10)


def test_a_kind_that_cannot_decode_says_so() -> None:
    class Still(Attention):
        provides = frozenset({"causal"})

        def __init__(self, dim: int, heads: int) -> None:
            super().__init__()
            self.heads, self.head_dim = heads, dim // heads

    with pytest.raises(NotImplementedError, match="Still cannot decode step by step"):
        make(attention=Still).new_state()


def test_the_vocabulary_must_be_known() -> None:
    with pytest.raises(ValueError, match=r"size of the vocabulary is not known: set model\.vocab"):
        Decoder(dim=8, heads=2)


def test_what_attention_does_not_provide_is_refused_with_its_name() -> None:
    with pytest.raises(ValueError, match="LinearAttention does not provide prefix"):
        make(attention=LinearAttention, prefix=True)(IDS)


@pytest.mark.parametrize("final_norm", [True, False])
def test_the_final_norm_can_be_chosen(final_norm: bool) -> None:
    model = make(final_norm=final_norm, norm=RMSNorm)
    assert isinstance(model.stack.norm, RMSNorm) is final_norm
