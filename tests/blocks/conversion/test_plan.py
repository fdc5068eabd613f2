"""Rules applied to models: what is found, what is missing, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
import torch
from torch import Tensor

from blocks.conversion import CheckpointError, Ignored, Plan, Rule, Tied, weights
from blocks.conversion.plan import Line

LENGTHS = {"h": 2, "d": 3}


def plan(lines: Sequence[Line], shapes: Mapping[str, Sequence[int]], **how: object) -> Plan:
    given = {"prefix": "", "renamed": {}, **how}
    return Plan.make("mine", lines, shapes, LENGTHS, **given)  # type: ignore[arg-type]


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape)


def same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


SHAPES = {"table": (5, 6), "layers.0.w": (6, 4), "layers.1.w": (6, 4), "layers.1.b": (6,)}
LINES = [
    Rule("emb", "table"),
    Rule("h.{n}.w", "layers.{n}.w", "i o -> o i"),
    Rule("h.{n}.b", "layers.{n}.b"),
    Rule("out", "head"),
    Tied("out", "emb"),
    Ignored("h.{n}.mask"),
]
FILE = {"emb": (5, 6), "h.0.w": (4, 6), "h.1.w": (4, 6), "h.1.b": (6,)}


def file(**more: Tensor) -> dict[str, Tensor]:
    return {**{name: numbers(*shape) for name, shape in FILE.items()}, **more}


def test_layers_are_found_by_the_numbers_that_our_parameters_have() -> None:
    found = plan(LINES, SHAPES)
    assert found.shapes == {name: list(shape) for name, shape in FILE.items()}
    theirs = file()
    ours = dict(found.read(theirs))
    assert torch.equal(ours["layers.1.w"], theirs["h.1.w"].T)
    assert same(dict(found.write(ours)), theirs)


def test_every_problem_of_a_file_is_told_at_once_with_its_name() -> None:
    theirs = file(**{"h.1.w": numbers(6, 4), "h.0.b": numbers(6), "h.1.bb": numbers(6), "h.7.mask": numbers(1)})
    del theirs["h.1.b"], theirs["emb"]
    with pytest.raises(CheckpointError) as caught:
        list(plan(LINES, SHAPES).read(theirs))
    assert str(caught.value).splitlines() == [
        "conversion 'mine': the tensors do not fit the model (2 missing, 2 surplus, 1 misshapen)",
        "  missing: emb",
        "  missing: h.1.b (the file has h.1.bb, which nothing uses)",
        "  surplus: h.0.b (no rule of the table names it)",
        "  surplus: h.1.bb (no rule of the table names it)",
        "  wrong shape: h.1.w is [6, 4], expected [4, 6]",
    ]


def test_many_layers_are_one_line() -> None:
    shapes = {f"layers.{n}.w": (2,) for n in range(12)}
    found = plan([Rule("h.{n}.w", "layers.{n}.w")], shapes)
    there = {f"h.{n}.w": numbers(2) for n in (0, 1, 2, 5)}
    with pytest.raises(CheckpointError, match=r"missing: h\.3-4,6-11\.w"):
        list(found.read(there))


def test_a_tensor_for_a_parameter_that_the_model_does_not_have() -> None:
    lines = [*LINES[:2], Rule("h.{n}.b", "layers.{n}.b"), Rule("h.{n}.g", "layers.{n}.gate")]
    with pytest.raises(CheckpointError, match=r"surplus: h\.0\.g \(the model has no layers\.\{n\}\.gate\)"):
        list(plan(lines, SHAPES).read(file(**{"h.0.g": numbers(6)})))


def test_tied_tensors_may_be_there_once_or_twice_but_equal() -> None:
    found, theirs = plan(LINES, SHAPES), file()
    table = theirs["emb"]
    for kept in ({"emb": table}, {"out": table}, {"emb": table, "out": table.clone()}):
        given = {**{name: t for name, t in theirs.items() if name != "emb"}, **kept}
        assert torch.equal(dict(found.read(given))["table"], table)
    with pytest.raises(CheckpointError, match="unequal: out must be the same as emb"):
        list(found.read({**theirs, "out": table + 1}))
    assert "out" not in dict(found.write(dict(found.read(theirs))))


def test_tied_tensors_are_written_where_the_reference_does() -> None:
    found = plan([*LINES[:4], Tied("out", "emb", written=True)], SHAPES)
    theirs = file()
    assert same(dict(found.write(dict(found.read(theirs)))), {**theirs, "out": theirs["emb"]})


def test_a_rule_for_a_model_that_has_it_apart_comes_before_the_tie() -> None:
    found = plan(LINES, {**SHAPES, "head": (5, 6)})
    theirs = file(out=numbers(5, 6))
    assert torch.equal(dict(found.read(theirs))["head"], theirs["out"])


def test_prefixes_may_be_missing_and_old_names_are_known() -> None:
    lines = [Rule("model.h.{n}.norm.weight", "layers.{n}.w"), Rule("head.weight", "head")]
    found = plan(lines, {"layers.0.w": (3,), "head": (2,)}, prefix="model.", renamed={".gamma": ".weight"})
    a, b = numbers(3), numbers(2)
    for name in ("model.h.0.norm.weight", "h.0.norm.weight", "h.0.norm.gamma"):
        assert same(dict(found.read({name: a, "head.weight": b})), {"layers.0.w": a, "head": b})


def test_stacks_on_either_side() -> None:
    lines = [
        Rule("experts.{e}.w.weight", "inner", "f i -> e f i"),
        Rule("experts.{e}.wv", ["up", "gate"], "(f + f) i -> e f i, e f i"),
        Rule("norms", "norm.{h}.weight", "h d -> d"),
    ]
    shapes = {"inner": (4, 6, 2), "up": (4, 6, 2), "gate": (4, 6, 2), "norm.0.weight": (3,), "norm.1.weight": (3,)}
    found = plan(lines, shapes)
    assert found.shapes["experts.3.wv"] == [12, 2] and found.shapes["norms"] == [2, 3]
    theirs = {name: numbers(*shape) for name, shape in found.shapes.items()}
    ours = dict(found.read(theirs))
    assert torch.equal(ours["inner"][3], theirs["experts.3.w.weight"])
    assert torch.equal(ours["gate"][2], theirs["experts.2.wv"][6:])
    assert torch.equal(ours["norm.1.weight"], theirs["norms"][1])
    assert same(dict(found.write(ours)), theirs)


def test_a_layer_that_is_stacked_for_each_layer() -> None:
    found = plan(
        [Rule("l.{n}.e.{e}.w", "layers.{n}.w", "f i -> e f i")], {f"layers.{n}.w": (3, 2, 2) for n in range(2)}
    )
    assert list(found.shapes) == [f"l.{n}.e.{e}.w" for n in range(2) for e in range(3)]


def test_a_bias_has_the_layout_without_inputs() -> None:
    weight, bias = weights("c_attn", ["q", "k"], "i (h d + h d) -> (h d) i, (h d) i")
    assert (list(weight.ours), list(bias.theirs)) == (["q.weight", "k.weight"], ["c_attn.bias"])
    assert bias.layout == "(h d + h d) -> (h d), (h d)"


def test_a_parameter_that_was_misspelt_in_a_rule_is_pointed_out() -> None:
    rules = [*weights("ln_f", "stack.final_norm"), Rule("w", "other.thing.weight")]
    with pytest.raises(CheckpointError) as caught:
        plan(rules, {"stack.norm.weight": (3,), "stack.norm.bias": (3,)})
    assert str(caught.value).splitlines()[1:] == [
        f"  no rule for the parameter stack.norm.{part} "
        f"(there is one for stack.final_norm.{part}, which the model does not have)"
        for part in ("weight", "bias")
    ]


def test_a_table_that_forgets_or_repeats_a_parameter() -> None:
    with pytest.raises(CheckpointError, match=r"no rule for the parameter layers\.0-1\.w"):
        plan([*LINES[:1], *LINES[2:]], SHAPES)
    with pytest.raises(CheckpointError, match="two rules for table: emb -> table; other -> table"):
        plan([*LINES, Rule("other", "table")], SHAPES)
    with pytest.raises(CheckpointError, match="two rules for emb: emb -> table; emb -> more"):
        plan([*LINES, Rule("emb", "more")], {**SHAPES, "more": (5, 6)})


@pytest.mark.parametrize(
    ("rule", "shapes", "words"),
    [
        (Rule("a", ["q", "k"]), {"q": (2,), "k": (2,)}, "need a layout"),
        (Rule("a.{e}", "q"), {"q": (2,)}, "need a layout"),
        (Rule("a", ["q", "k"], "(x + x) -> x, x"), {"q": (2,)}, "the model has no k beside the others"),
        (Rule("a", "q", "(h d) -> h d"), {"q": (2, 4)}, "does not fit"),
        (Rule("a", "n.{e}.w", "e d -> d"), {"n.0.w": (3,), "n.2.w": (3,)}, r"numbers \[\(1,\)\] are missing"),
        (Rule("a", "q", "x y -> x"), {"q": (2,)}, "the axes x y cannot become x"),
    ],
)
def test_a_rule_that_is_wrong_names_itself(rule: Rule, shapes: Mapping[str, Sequence[int]], words: str) -> None:
    with pytest.raises(CheckpointError, match=words) as caught:
        plan([rule], shapes)
    assert str(caught.value).startswith("rule a")


def test_sizes_of_a_rule_come_before_those_of_the_model() -> None:
    found = plan([Rule("a", "q", "(h d) -> h d", {"h": 4, "d": 1})], {"q": (4, 1)})
    assert found.shapes == {"a": [4]}
