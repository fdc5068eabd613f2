"""`describe`: the resolved spec, the layers, what they cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from registry.load import load

Call = Callable[..., Result]


@pytest.fixture
def small() -> None:
    Path("small.yaml").write_text("model: {topology: decoder, dim: 16, layers: 3, heads: 2, vocab: 10}\n")


@pytest.mark.usefixtures("small")
def test_the_resolved_spec_describes_the_same_model(call: Call) -> None:
    result = call("describe", "small.yaml", "model.attention=linear", "--yaml")
    Path("full.yaml").write_text(result.output)
    again = load("full.yaml")
    assert again.full == load("small.yaml", ["model.attention=linear"]).full
    assert call("describe", "full.yaml", "--yaml").output == result.output


@pytest.mark.usefixtures("small")
def test_layers_that_repeat_are_told_once(call: Call) -> None:
    output = call("describe", "small.yaml").output
    assert "0 to 2: Layer" in output
    assert output.count("attention: full") == 1
    assert "query: Linear  16 -> 16" in output


def test_layers_that_differ_are_told_apart(call: Call) -> None:
    output = call("describe", "hybrid").output
    assert [words in output for words in ("0 to 1: Layer", "2: Layer", "3 to 4: Layer", "5: Layer")] == [True] * 4


@pytest.mark.usefixtures("small")
def test_parameters_add_up(call: Call) -> None:
    lines = call("describe", "small.yaml").output.splitlines()
    rows = {line.split()[0]: int(line.split()[1].replace(",", "")) for line in lines if line.strip().endswith("%")}
    total = int(next(line for line in lines if line.strip().startswith("total")).split()[1].replace(",", ""))
    # in each of three layers four maps of 16 x 16 with biases, 16 x 64 and back, two norms; one norm more
    attention, feedforward = 3 * 4 * (16 * 16 + 16), 3 * (2 * 16 * 64 + 64 + 16)
    assert rows == {"feedforward": feedforward, "attention": attention, "norm": 7 * 32, "embedding": 160}
    assert total == sum(rows.values())


@pytest.mark.usefixtures("small")
def test_flops_are_for_the_length_asked_for(call: Call) -> None:
    lines = [call("describe", "small.yaml", "--length", n).output.splitlines()[-1] for n in (8, 1000)]
    assert lines[0].startswith("FLOPs per token at length 8: ")
    assert lines[0].split(": ")[1] != lines[1].split(": ")[1]


def test_sizes_that_only_data_know(call: Call) -> None:
    assert "  vocab: 256\n" in call("describe", "demo").output
    assert "    classes: " in call("describe", "classify").output


def test_without_data_a_vocabulary_stands_in_and_is_told(call: Call) -> None:
    Path("spec.yaml").write_text("model: {topology: decoder, dim: 16, heads: 2}\n")
    result = call("describe", "spec.yaml")
    assert result.exit_code == 0
    assert "a vocabulary of 256 tokens stands in" in result.stderr
    # the size that nobody said is not written as if somebody had
    assert "vocab: null" in call("describe", "spec.yaml", "--yaml").output


def test_nobody_is_asked_for_sizes_that_the_model_has_no_use_for(call: Call) -> None:
    result = call("describe", "vit-b16")
    assert result.stderr == ""
    assert "vocab" not in result.output
    Path("spec.yaml").write_text("model: {topology: encoder, dim: 16, heads: 2, head: classification, vocab: 9}\n")
    assert call("describe", "spec.yaml").stderr == "note: without data, 2 classes stand in\n"


def test_how_to_train_is_left_out_where_nobody_says_so(call: Call) -> None:
    Path("spec.yaml").write_text("model: {topology: decoder, dim: 16, heads: 2, vocab: 9}\nseed: 3\n")
    output = call("describe", "spec.yaml").output
    assert "optimizer:" not in output
    assert "\nseed: 3\n" in output
    assert "optimizer:" in call("describe", "demo").output
    assert "optimizer:" in call("describe", "spec.yaml", "--yaml").output


def test_flops_of_what_is_not_text_are_for_a_whole_input(call: Call) -> None:
    model = "{topology: encoder, dim: 16, layers: 1, heads: 2, head: {kind: classification, classes: 3, pool: first}"
    Path("spec.yaml").write_text(f"model: {model}, embedding: {{kind: patches, patch: 4}}, position: none}}\n")
    # 9 patches of 48 numbers and a class token: in, four maps, scores and sums, two maps, classes; times 2
    products = 9 * 48 * 16 + 10 * 4 * 16 * 16 + 2 * 10 * 10 * 16 + 10 * 2 * 16 * 64 + 16 * 3
    line = call("describe", "spec.yaml", "--length", 9).output.splitlines()[-1]
    assert line.startswith(f"FLOPs for an input of 3 x 12 x 12: {2 * products / 1000:.3g}k forward")
    # a table of positions says for which grid it is made
    grid = "model.position={kind: learned_2d, rows: 5, outside: 1}"
    assert "an input of 3 x 20 x 20" in call("describe", "spec.yaml", grid).output


def test_blocks_of_convolutions_that_repeat_are_told_once(call: Call) -> None:
    lines = call("describe", "detr-r50").output.splitlines()
    assert sum("ConvNorm" in line for line in lines) == 29
    assert any("1 to 5: Block  5 x 1.11M" in line for line in lines)
    assert any("stem: ConvNorm  3 -> 64, 7 x 7  9.41k" in line for line in lines)
    assert not any("FrozenBatchNorm" in line for line in lines)
    assert any("dropout: Dropout  0.1" in line for line in lines)
    assert any("scheme: sinusoidal_2d" in line for line in lines)


def test_a_model_of_any_size_is_described_at_once(call: Call) -> None:
    Path("huge.yaml").write_text("model: {topology: decoder, dim: 16384, layers: 4, heads: 128, vocab: 256000}\n")
    output = call("describe", "huge.yaml", "--length", 4096).output
    assert "4 x 3.22G" in output


@pytest.mark.usefixtures("small")
def test_every_setting_says_who_set_it(call: Call) -> None:
    Path("over.yaml").write_text("base: [small.yaml]\nmodel:\n  heads: 4\n  norm: rms\n")
    lines = call("describe", "over.yaml", "model.dim=32", "--origin").output.splitlines()
    found = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines}
    assert found["model.dim"] == ["32", "command line: model.dim=32"]
    assert found["model.heads"] == ["4", "over.yaml:3"]
    assert found["model.layers"] == ["3", "small.yaml:1"]
    assert found["model.norm.kind"] == ["rms", "over.yaml:4"]
    assert found["model.norm.eps"] == ["1e-06", "default"]
    assert found["model.attention.kind"] == ["full", "default"]
