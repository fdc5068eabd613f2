from __future__ import annotations

from functools import partial

import pytest
import torch

from blocks.attention import FullAttention
from blocks.coords import Coords
from blocks.embedding import Marks
from blocks.position import EveryLayer, Rotary
from blocks.tap import Tap
from blocks.topology import Decoder, Encoder, EncoderDecoder

IDS = torch.randint(11, (2, 6), generator=torch.Generator().manual_seed(0))
SIZES = {"dim": 8, "layers": 2, "heads": 2, "vocab": 11}


def test_hidden_states_are_those_that_pass_between_the_layers() -> None:
    model = Decoder(**SIZES).double()  # type: ignore[arg-type]
    seen = []
    for layer in model.stack.layers:
        layer.register_forward_hook(lambda _, inputs, out: seen.append((inputs[0], out)))
    tap = Tap()
    out = model.run(IDS, tap=tap)
    assert torch.equal(out.logits, model(IDS))
    first, second, third = tap.hidden["decoder"]
    assert first is seen[0][0]
    assert second is seen[0][1]
    assert third is seen[1][1]
    torch.testing.assert_close(first, model.embedding(IDS, Marks(), model.stack.embed).x)
    torch.testing.assert_close(model.stack.norm(third), out.hidden)
    assert third.requires_grad


@pytest.mark.parametrize("rows", [1, 2])
def test_weights_of_every_attention(rows: int) -> None:
    model = EncoderDecoder(**SIZES).double().eval()  # type: ignore[arg-type]
    valid = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])[:rows]
    tap = Tap()
    plain = model(IDS[:rows], source=IDS[:rows], source_valid=valid)
    assert torch.equal(model.run(IDS[:rows], source=IDS[:rows], source_valid=valid, tap=tap).logits, plain)
    assert set(tap.attention) == {(side, layer) for side in ("encoder", "decoder") for layer in (0, 1)}
    assert set(tap.cross) == {0, 1}
    for weights in [*tap.attention.values(), *tap.cross.values()]:
        assert weights.shape == (rows, 2, 6, 6)
        torch.testing.assert_close(weights.sum(-1), torch.ones(rows, 2, 6).double())
        assert not weights.requires_grad
    assert not tap.attention["decoder", 1].triu(1).any()
    if rows == 2:
        assert not tap.cross[1][1, :, :, 4:].any()
        assert not tap.attention["encoder", 0][1, :, :, 4:].any()


def test_what_is_not_wanted_is_not_kept() -> None:
    tap = Tap(attention=False, hidden=False)
    Encoder(**SIZES).run(IDS, tap=tap)  # type: ignore[arg-type]
    assert (tap.hidden, tap.attention, tap.cross) == ({}, {}, {})


def test_weights_are_of_a_whole_pass() -> None:
    model = Decoder(**SIZES).eval()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="whole pass, without a cache"):
        model.run(IDS, state=model.new_state(), tap=Tap())


def test_each_stream_marks_its_own_side_of_cross_attention() -> None:
    """Scores between streams are q.k of marked vectors, values are not marked; without marks nothing is added."""
    model = EncoderDecoder(**SIZES, position=EveryLayer).double().eval()  # type: ignore[arg-type]
    tap = Tap()
    out = model.run(IDS, source=IDS[:, :4], tap=tap)
    assert out.source is not None
    layer = model.decoder.layers[0]
    attention = layer.cross
    assert isinstance(attention, FullAttention)
    stream = tap.hidden["decoder"][0]
    seen: list[torch.Tensor] = []
    attention.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.run(IDS, source=IDS[:, :4])
    q_from = model.decoder.position(0).mark(seen[0], Coords.of(6), "query")
    k_from = model.encoder.position(-1).mark(out.source, Coords.of(4), "key")
    q, k = (t.unflatten(-1, (2, 4)).transpose(1, 2) for t in (attention.query(q_from), attention.key(k_from)))
    torch.testing.assert_close(tap.cross[0], (q @ k.mT / 2).softmax(-1))
    assert stream.shape == seen[0].shape


def test_a_scheme_that_acts_on_scores_cannot_be_told_to_each_layer() -> None:
    with pytest.raises(ValueError, match="acts at the input alone, not by rotate"):
        Encoder(**SIZES, position=partial(EveryLayer, scheme=Rotary))  # type: ignore[arg-type]
