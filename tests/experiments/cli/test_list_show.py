"""`list` and `show`: what there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from experiments.console import console
from registry.catalog import Catalog

Call = Callable[..., Result]


def test_list_names_every_part_on_a_line(call: Call) -> None:
    lines = call("list").output.splitlines()
    entries = Catalog.load().entries
    assert [tuple(line.split()[:2]) for line in lines] != []
    assert {tuple(line.split()[:2]) for line in lines} == set(entries)
    assert len(lines) == len(entries)


def test_families_come_in_the_order_of_a_spec(call: Call) -> None:
    families = list(dict.fromkeys(line.split()[0] for line in call("list").output.splitlines()))
    assert families[:3] == ["spec", "topology", "data"]
    assert families.index("attention") < families.index("position") < families.index("norm")


def test_list_of_a_family(call: Call) -> None:
    output = call("list", "norm").output
    assert [line.split()[1] for line in output.splitlines()] == Catalog.load().kinds("norm")


def test_list_as_json(call: Call) -> None:
    found = json.loads(call("list", "attention", "--json").output)
    assert [part["kind"] for part in found] == Catalog.load().kinds("attention")
    assert found[0]["family"] == "attention"
    assert found[0]["summary"]
    assert Path(found[0]["file"]).is_file()


def test_list_of_specs_says_what_each_is(call: Call) -> None:
    lines = dict(line.split(maxsplit=1) for line in call("list", "specs").output.splitlines())
    assert next(iter(lines)) == "classify"
    assert {"demo", "gpt2-124m", "bert-base", "detr-r50"} <= set(lines)
    assert "recipes/classify-languages" in lines and not any(name.startswith("tiny/") for name in lines)
    assert lines["gpt2-124m"].startswith("GPT-2, 124 million parameters (Radford et al. 2019; ")
    assert lines["pythia-70m"].endswith("in the released weights.")
    found = json.loads(call("list", "specs", "--json").output)
    assert [entry["name"] for entry in found] == list(lines)
    assert all(Path(entry["file"]).is_file() for entry in found)


def test_a_spec_is_no_part(call: Call) -> None:
    result = call("show", "bert-base")
    assert result.exit_code == 2
    assert "'bert-base' is no part but a spec that ships: `swapformer describe bert-base`" in result.stderr


def test_show_says_when_a_part_provides_something_in_a_sense_only(call: Call) -> None:
    words = " ".join(call("show", "performer").output.split())
    assert "note: causal when stabiliser is look_ahead: performer with stabiliser: look_ahead lets later" in words


def test_list_of_an_unknown_family(call: Call) -> None:
    result = call("list", "atention")
    assert result.exit_code == 2
    assert "Did you mean 'attention'?" in result.stderr


def test_on_a_terminal_list_is_tables_of_eighty_columns(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.cli.commands.list.on_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, call("list", "specs").output.splitlines())) <= 80
    output = call("list").output
    assert max(map(len, output.splitlines())) <= 80
    assert "Maps tokens to tokens: [b n m]" in output
    assert console().width == 80


@pytest.mark.parametrize("entry", Catalog.load().entries.values(), ids=lambda e: f"{e['family']}/{e['kind']}")
def test_every_part_can_be_shown(entry: dict[str, object], call: Call) -> None:
    result = call("show", f"{entry['family']}/{entry['kind']}")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines())) <= 100
    words = " ".join(result.output.split())
    assert f"{entry['family']} {entry['kind']}" in words
    assert str(entry["paper"]) in words
    for option in entry["options"]:  # type: ignore[attr-defined]
        assert option["name"] in words


def test_show_says_what_an_attention_goes_with(call: Call) -> None:
    output = call("show", "performer").output
    works = "position it works with: every_layer, learned, learned_2d, none, rotary, several, sinusoidal, sinusoidal_2d"
    assert works in " ".join(output.split())
    assert "position it does not: alibi, t5: it needs the score matrix (bias)" in output
    assert "decoder: not with prefix: true" in output
    assert "rule: dim must be a multiple of heads" in output
    assert "arXiv 2009.14794" in output


def test_show_says_what_a_position_goes_with(call: Call) -> None:
    output = call("show", "alibi").output
    assert "attention it works with: bigbird, full, longformer, transformer_xl\n" in output
    assert "needs: attention: bias" in output


def test_show_says_how_to_import_a_part(call: Call) -> None:
    assert "in Python: from blocks.feedforward.glu import Glu\n" in call("show", "swiglu").output


def test_show_tells_types_and_defaults_in_words(call: Call) -> None:
    lines = call("show", "longformer").output.splitlines()
    window = next(line for line in lines if line.strip().startswith("window"))
    assert "a whole number >= 1" in window
    assert "512" in window
    assert "the whole window" in window


def test_the_example_line_is_a_valid_spec(call: Call) -> None:
    for kind, path in (("longformer", "model.attention"), ("rotary", "model.position"), ("adamw", "optimizer")):
        line = call("show", kind).output.rstrip().splitlines()[-1].strip()
        key, _, value = line.partition(": ")
        assert key == path.split(".")[-1]
        assert call("check", "demo", f"{path}={value}").exit_code == 0


def test_show_of_a_kind_in_several_families(call: Call) -> None:
    result = call("show", "deepnorm")
    assert result.exit_code == 2
    assert "init/deepnorm or placement/deepnorm" in result.stderr
    assert call("show", "placement/deepnorm").output.startswith("placement deepnorm\n")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("lngformer", "Did you mean 'longformer'?"),
        ("attention/lngformer", "Did you mean 'longformer'?"),
        ("attn/full", "Did you mean 'attention'?"),
        ("attention", "its kinds: bigbird, full"),
        ("zzzzzz", "`swapformer list` names them all"),
    ],
)
def test_show_of_what_is_not_there(name: str, says: str, call: Call) -> None:
    result = call("show", name)
    assert result.exit_code == 2
    assert says in result.stderr
