"""What is loaded by role: the outputs are those of the source wherever they must be."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_models import made, started, tokens
from torch import nn

from experiments.start.match import match
from experiments.start.options import InitFrom
from experiments.start.vocabulary import Vocabulary
from registry.errors import SpecError


def same(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def silence(model: Any) -> None:
    """Let cross-attention add nothing."""
    for layer in model.decoder.layers:
        for parameter in layer.cross.out.parameters():
            nn.init.zeros_(parameter)


def test_a_masked_model_into_a_classifier() -> None:
    bert = made(
        "encoder", head={"kind": "mlm", "nsp": True}, placement="post", embedding={"kind": "tokens", "types": 2}
    )
    head = {"kind": "classification", "classes": 3, "pool": "first", "pooler": "tanh"}
    classifier = made("encoder", 1, head=head, placement="post", embedding={"kind": "tokens", "types": 2})
    found, _ = started(classifier, bert)
    same(classifier.run(tokens()).hidden, bert.run(tokens()).hidden)
    same(classifier.head.pooler.dense.weight, bert.head.pooler.dense.weight)
    assert found.new == ["head.matrix.weight", "head.matrix.bias"]
    assert set(found.left) == {f"head.{n}" for n, _ in bert.head.named_parameters() if not n.startswith("pooler")}


def test_without_a_pooler_there_the_classifiers_own_is_new() -> None:
    head = {"kind": "classification", "classes": 3, "pooler": "tanh"}
    found, _ = started(made("encoder", 1, head=head), made("encoder", head="mlm"))
    assert found.new == [
        f"head.{n}" for n in ("pooler.dense.weight", "pooler.dense.bias", "matrix.weight", "matrix.bias")
    ]


@pytest.mark.parametrize("placement", ["pre", "post", "sandwich", "parallel", "deepnorm"])
def test_a_language_model_into_a_decoder_that_reads(placement: str) -> None:
    """Norms are counted by step, of which a layer that reads has one more."""
    lm = made("decoder", placement=placement)
    model = made("encoder_decoder", 1, placement=placement)
    silence(model)
    found, _ = started(model, lm)
    assert not found.left
    assert any("cross" in name for name in found.new) and any("encoder.layers" in name for name in found.new)
    taken = {name: model.get_parameter(name) for name in found.moves}
    assert all(torch.equal(value, lm.get_parameter(found.moves[name].source)) for name, value in taken.items())
    if placement in ("pre", "sandwich", "parallel"):
        # elsewhere the norm of the new step stands in the stream
        sandwiched = [m for name, m in model.named_modules() if name.endswith("branch_norms.1") and "decoder" in name]
        for norm in sandwiched:
            nn.init.zeros_(norm.bias)
        same(model(tokens(), source=tokens()), lm(tokens()))


def test_and_back_again() -> None:
    model, lm = made("encoder_decoder", placement="post"), made("decoder", 1, placement="post")
    found, _ = started(lm, model)
    assert not found.new
    norms = lm.stack.layers[1].placement.out_norms, model.decoder.layers[1].placement.out_norms
    assert torch.equal(norms[0][1].weight, norms[1][2].weight) and torch.equal(norms[0][0].weight, norms[1][0].weight)
    assert any("cross" in name for name in found.left)


@pytest.mark.parametrize("shared", [True, False, "table"])
def test_an_encoder_into_the_side_that_encodes(shared: Any) -> None:
    bert = made("encoder", head="mlm")
    model = made("encoder_decoder", 1, shared_embedding=shared)
    found, _ = started(model, bert)
    same(model.encode(tokens())[0], bert.run(tokens()).hidden)
    assert all(name.startswith("decoder.") for name in found.new)


@pytest.mark.parametrize("shared", [True, False])
def test_a_whole_model_with_another_head(shared: bool) -> None:
    model = made("encoder_decoder", shared_embedding=shared)
    other = made("encoder_decoder", 1, shared_embedding=shared, head="hidden")
    found, _ = started(other, model)
    same(other(tokens(), source=tokens()), model.run(tokens(), source=tokens()).hidden)
    assert not found.new and not found.left


def test_a_side_of_a_whole_model_alone() -> None:
    model = made("encoder_decoder", shared_embedding=False)
    encoder = made("encoder", 1, head="hidden")
    started(encoder, model)
    same(encoder(tokens()), model.encode(tokens())[0])


def test_a_head_of_the_same_kind_and_shape_comes_along() -> None:
    three, again, four = (
        made("encoder", n, head={"kind": "classification", "classes": c}) for n, c in enumerate((3, 3, 4))
    )
    assert not started(again, three)[0].new
    same(again(tokens()), three(tokens()))
    found, _ = started(four, three)
    assert found.new == ["head.matrix.weight", "head.matrix.bias"] == found.left


def test_of_a_language_model_the_encoder_takes_the_embedding_alone() -> None:
    lm, encoder = made("decoder"), made("encoder", 1, head="hidden")
    found, _ = started(encoder, lm)
    assert list(found.moves) == ["embedding.table.weight"]


def test_kinds_of_attention_may_differ_and_other_kinds_may_not() -> None:
    full = made("encoder", head="hidden", norm="layer")
    found, _ = started(made("encoder", 1, head="hidden", attention="performer"), full)
    assert not found.new
    found, _ = started(made("encoder", 1, head="hidden", norm="rms", feedforward="swiglu"), full)
    assert {name.split(".")[3] for name in found.new if "layers" in name} == {"placement", "feedforward"}


def test_full_attention_into_longformer() -> None:
    """With a window over everything, and global projections that are copies, it is full attention."""
    full = made("encoder", head="hidden")
    attention = {"kind": "longformer", "window": 64, "global_tokens": 2}
    long = made("encoder", 1, head="hidden", attention=attention)
    found, _ = started(long, full)
    assert not found.new
    layer = long.stack.layers[0].attention
    for name in ("query", "key", "value"):
        assert torch.equal(
            getattr(layer, f"{name}_global").weight, getattr(full.stack.layers[0].attention, name).weight
        )
    same(long(tokens()), full(tokens()))
    # its own global projections come before those
    again = made("encoder", 2, head="hidden", attention=attention)
    with torch.no_grad():
        layer.query_global.weight.zero_()
    started(again, long)
    assert not again.stack.layers[0].attention.query_global.weight.any()


def test_fewer_and_more_layers() -> None:
    four, two = made("encoder", head="hidden", layers=4), made("encoder", 1, head="hidden")
    found, _ = started(two, four)
    assert not found.new and {name.split(".")[2] for name in found.left} == {"2", "3"}
    assert torch.equal(two.stack.layers[1].attention.query.weight, four.stack.layers[1].attention.query.weight)
    found, _ = started(made("encoder", 2, head="hidden", layers=4), two)
    assert {name.split(".")[2] for name in found.new} == {"2", "3"}


@pytest.mark.parametrize(
    ("target", "source", "options", "words"),
    [
        ({"dim": 32}, {}, {}, r"embedding\.table\.weight is \[13, 32\], in the source \[13, 16\]"),
        (
            {"feedforward": {"kind": "mlp", "hidden": 24}},
            {},
            {},
            r"stack\.layers\.1\.feedforward\.inner\.weight is \[24, 16\]",
        ),
        (
            {"position": {"kind": "learned", "length": 20}},
            {},
            {},
            r"positions\.0\.table\.weight is \[20, 16\].*\[12, 16\]: say how",
        ),
        ({"layers": 3}, {}, {"strict": True}, r"strict: the source has nothing for stack\.layers\.2\.attention"),
        (
            {"position": "rotary", "embedding": "vectors"},
            {"topology": "decoder"},
            {},
            "nothing fits: the source has decoder",
        ),
    ],
)
def test_what_does_not_fit_is_named(target: Any, source: Any, options: Any, words: str) -> None:
    model = made("encoder", 1, head="hidden", **target)
    other = made(source.pop("topology", "encoder"), **({"head": "hidden"} | source))
    with pytest.raises(SpecError, match=words):
        match(model, other, InitFrom("somewhere", **options))


def test_strict_asks_for_all_but_the_head() -> None:
    found, _ = started(made("encoder", 1, head={"kind": "classification", "classes": 3}), made("encoder"), strict=True)
    assert len(found.new) == 2


def test_a_larger_vocabulary_keeps_the_tokens_that_both_have() -> None:
    """Words first, then special tokens: those of the source have other numbers."""
    lm = made("decoder", head={"kind": "lm", "tied": False, "bias": True})
    model = made("decoder", 1, vocab=16, head={"kind": "lm", "tied": False, "bias": True})
    before = model.embedding.table.weight.detach().clone()
    ours, theirs = Vocabulary(12, {"<pad>": 12, "<bos>": 13}), Vocabulary(12, {"<pad>": 12})
    _, resized = started(model, lm, (ours, theirs))
    for mine, theirs in ((model.embedding.table.weight, lm.embedding.table.weight), (model.head.bias, lm.head.bias)):
        assert torch.equal(mine[:13], theirs)
    assert torch.equal(model.embedding.table.weight[13:], before[13:])
    assert resized["head.matrix.weight"] == resized["embedding.table.weight"] == "13 of 16 rows"
    # special tokens go by their names, wherever they stand
    model = made("decoder", 1, vocab=14)
    started(
        model, lm, (Vocabulary(11, {"<bos>": 12, "<eos>": 13}), Vocabulary(10, {"<eos>": 10, "<pad>": 11, "<bos>": 12}))
    )
    mine, theirs = model.embedding.table.weight, lm.embedding.table.weight
    assert torch.equal(mine[:10], theirs[:10])
    assert torch.equal(mine[12], theirs[12]) and torch.equal(mine[13], theirs[10])


def test_another_tokenizer_leaves_the_vocabulary_behind() -> None:
    lm, model = (
        made("decoder", head={"kind": "lm", "bias": True}),
        made("decoder", 1, head={"kind": "lm", "bias": True}),
    )
    found, _ = started(model, lm, tokenizer="own")
    assert found.new == ["embedding.table.weight", "head.bias"]
    assert torch.equal(model.stack.norm.weight, lm.stack.norm.weight)


def test_layers_that_are_one_stay_one() -> None:
    shared = {"layer_types": {"a": {"shared": True}}, "layers": ["a", "a"]}
    albert, again = (made("encoder", n, head="hidden", **shared) for n in range(2))
    started(again, albert)
    assert again.stack.layers[0] is again.stack.layers[1]
    same(again(tokens()), albert(tokens()))


@pytest.mark.parametrize("how", ["copy", "interpolate"])
def test_longer_positions(how: str) -> None:
    short, long = (
        made("encoder", n, head="hidden", position={"kind": "learned", "length": 12 * (n + 1)}) for n in (0, 1)
    )
    _, resized = started(long, short, positions=how)
    assert resized == {"stack.positions.0.table.weight": f"{how}, from 12 rows to 24"}
    table, old = long.stack.positions[0].table.weight, short.stack.positions[0].table.weight
    assert torch.equal(table[12:] if how == "copy" else table[::2], old)
    if how == "copy":
        same(long(tokens()), short(tokens()))


def test_the_wrong_way_for_positions_is_told() -> None:
    short, long = (
        made("encoder", n, head="hidden", position={"kind": "learned", "length": 12 * (n + 1)}) for n in (0, 1)
    )
    with pytest.raises(SpecError, match=r"init_from\.positions: position 'learned' stands in a row"):
        started(long, short, positions="bicubic")


def test_positions_of_another_kind_are_new() -> None:
    t5, learned = made("encoder", head="hidden", position="t5"), made("encoder", 1, head="hidden")
    found, _ = started(learned, t5)
    assert found.new == ["stack.positions.0.table.weight"]


def test_part_of_what_fits() -> None:
    lm = made("decoder")
    found, _ = started(made("decoder", 1), lm, only=["embedding", "decoder.layers.0.attention"])
    assert {name.split(".")[0] for name in found.moves} == {"embedding", "stack"}
    assert len(found.moves) == 1 + 8
    found, _ = started(made("decoder", 2), lm, only=[])
    assert not found.moves and found.left


def test_a_head_comes_whole_or_not_at_all() -> None:
    """The layer before another vocabulary's logits would fit."""
    bert, model = made("encoder", head="mlm"), made("encoder", 1, head="mlm")
    found, _ = started(model, bert, tokenizer="own")
    assert {name for name in found.new if name.startswith("head.")} == {
        f"head.{name}" for name, _ in model.head.named_parameters()
    }
