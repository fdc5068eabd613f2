"""A memory between batches: the text is read as one, in training and in validation, each with its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from blocks.attention import FullAttention, LinearAttention, TransformerXLAttention
from blocks.position import NoPosition, TransformerXL
from blocks.topology import Decoder
from blocks.topology.layers import LayerType
from experiments.data import Text
from experiments.data.loader import Batch
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import CausalLM
from experiments.tasks.carried import Carried

FAR = partial(TransformerXLAttention, memory=64)


def decoder(attention: Any = FAR, **options: Any) -> Decoder:
    options = {"layers": 2, "position": TransformerXL} | options
    return Decoder(dim=16, heads=2, vocab=256, attention=attention, **options).double().eval()


def task(model: Decoder, order: str = "contiguous") -> CausalLM:
    data = Text(0, length=8, batch_size=3, order=order)  # type: ignore[arg-type]
    return CausalLM(model, data, AdamW(), Constant())


def segments(count: int, rows: int = 3) -> tuple[Tensor, list[Tensor]]:
    """A text in several rows, and its segments."""
    tokens = torch.randint(256, (rows, 6 * count))
    return tokens, list(tokens.split(6, dim=1))


def on(tokens: Tensor, *, continues: bool = True) -> Tensor:
    return torch.full((len(tokens),), continues)


@pytest.mark.parametrize("start", ["empty", "zeros"])
def test_segments_are_one_text(start: str) -> None:
    model = decoder(partial(TransformerXLAttention, memory=64, same_length=True, start=start))
    whole, pieces = segments(4)
    carried = Carried(model)
    assert carried.has_memory
    logits = torch.cat([carried.read(piece, on(piece, continues=i > 0)) for i, piece in enumerate(pieces)], 1)
    torch.testing.assert_close(logits, model(whole), rtol=1e-9, atol=1e-9)


def test_a_new_text_starts_with_nothing() -> None:
    model, (_, pieces) = decoder(), segments(3)
    carried = Carried(model)
    carried.read(pieces[0], on(pieces[0], continues=False))
    after = carried.read(pieces[1], on(pieces[1]))
    fresh = carried.read(pieces[1], on(pieces[1], continues=False))
    torch.testing.assert_close(fresh, model(pieces[1]), rtol=1e-9, atol=1e-9)
    assert (after - fresh).abs().max() > 1e-3


def test_fewer_rows_go_on() -> None:
    model, (whole, pieces) = decoder(), segments(2)
    carried = Carried(model)
    carried.read(pieces[0], on(pieces[0], continues=False))
    logits = carried.read(pieces[1][:2], on(pieces[1][:2]))
    torch.testing.assert_close(logits, model(whole[:2])[:, 6:], rtol=1e-9, atol=1e-9)


def test_kinds_without_a_memory_see_the_segment_with_its_gradient() -> None:
    """Beside layers that have one, a layer of full attention is what it is alone."""
    types = {"far": LayerType(), "near": LayerType(attention=FullAttention)}
    model = decoder(layers=["near", "far"], layer_types=types, position=NoPosition)
    carried, (_, pieces) = Carried(model), segments(2)
    carried.read(pieces[0], on(pieces[0], continues=False))
    logits = carried.read(pieces[1], on(pieces[1]))
    layers = model.stack.layers
    first, second = (layers[0](model.embedding.table(p), _flow(model, p), NoPosition()) for p in pieces)
    state = model.new_state()
    layers[1](first, _flow(model, pieces[0]), NoPosition(), state.caches[1])
    state.caches[1].attention.count_from(6)  # type: ignore[attr-defined]
    hidden = model.stack.norm(layers[1](second, _flow(model, pieces[1]), NoPosition(), state.caches[1]))
    torch.testing.assert_close(logits, model.read_out(hidden).logits, rtol=1e-9, atol=1e-9)
    gradient = torch.autograd.grad(logits.square().mean(), layers[0].attention.key.weight)[0]  # type: ignore[arg-type]
    assert gradient.abs().max() > 0


def _flow(model: Decoder, tokens: Tensor) -> Any:
    from blocks.coords import Coords
    from blocks.stack import Flow

    return Flow(Coords.of(tokens.shape[1]), model.mask)


def test_other_models_carry_nothing() -> None:
    for kind in (FullAttention, LinearAttention):
        module = task(decoder(kind, position=NoPosition))
        batches = _batches(module, 2)
        module.loss(batches[0])
        expected = module.model(batches[1]["tokens"])
        assert torch.equal(module.logits(batches[1], module._training), expected)


def test_training_and_validation_have_each_their_own() -> None:
    module = task(decoder())
    first, second = _batches(module, 2)
    module.loss(first)
    undisturbed = module.loss(second)
    again = task(decoder())
    again.model.load_state_dict(module.model.state_dict())
    again.loss(first)
    with torch.no_grad():
        for batch in list(module.data.eval_loader())[:3]:
            again.measure(batch)
    assert torch.equal(again.loss(second), undisturbed)
    without = torch.nn.functional.cross_entropy(
        module.model(second["tokens"]).flatten(0, 1), second["targets"].flatten()
    )
    assert abs(float((without - undisturbed).detach())) > 1e-4


def test_validation_reads_the_text_as_one(tmp_path: Path) -> None:
    """Batches of three rows together measure what the three stretches of the text measure whole."""
    (tmp_path / "a.txt").write_bytes(bytes(range(100, 200)))
    data = Text(
        0, train=str(tmp_path / "a.txt"), valid=str(tmp_path / "a.txt"), length=8, batch_size=3, order="contiguous"
    )
    module = CausalLM(decoder(), data, AdamW(), Constant())
    with torch.no_grad():
        nats = sum(float(module.measure(batch)["nats"]) for batch in data.eval_loader())
        whole = torch.tensor([list(range(100 + lane * 33, 134 + lane * 33)) for lane in range(3)])
        logits = module.model(whole[:, :-1])
    right = torch.nn.functional.cross_entropy(logits.flatten(0, 1), whole[:, 1:].flatten(), reduction="sum")
    assert nats == pytest.approx(float(right), rel=1e-9)


def test_shuffled_windows_carry_nothing() -> None:
    module = task(decoder(), order="shuffled")
    first, second = _batches(module, 2)
    module.loss(first)
    assert torch.equal(module.logits(second, module._training), module.model(second["tokens"]))


def test_saved_and_restored() -> None:
    model = decoder()
    carried, (_, pieces) = Carried(model), segments(3)
    for i, piece in enumerate(pieces[:2]):
        carried.read(piece, on(piece, continues=i > 0))
    saved = carried.state_dict()
    expected = carried.read(pieces[2], on(pieces[2]))
    other = Carried(model)
    other.load_state_dict(saved)
    # a checkpoint may be written before the next batch
    assert other.state_dict() is saved
    assert torch.equal(other.read(pieces[2], on(pieces[2])), expected)
    assert other.state_dict() is not saved


def _batches(module: CausalLM, count: int) -> list[Batch]:
    taken = iter(module.data.train_loader())
    return [next(taken) for _ in range(count)]
