"""`schema`: accepts what `check` accepts, and refuses what a schema can know to be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from jsonschema import Draft202012Validator

from experiments.cli.specs import shipped
from registry.catalog import Catalog
from registry.json_schema import json_schema
from registry.load import load
from registry.yaml_reader import read_yaml, read_yaml_text

Call = Callable[..., Result]

MODEL = "model: {topology: decoder, dim: 16, layers: 1, heads: 2}\n"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema(Catalog.load())


@pytest.fixture(scope="module")
def wrong(schema: dict[str, Any]) -> Callable[[str], list[str]]:
    validator = Draft202012Validator(schema)
    return lambda text: [error.message for error in validator.iter_errors(read_yaml_text(text).value)]


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("path", shipped().values(), ids=lambda path: path.stem)
def test_specs_that_ship_are_right(path: Path, schema: dict[str, Any]) -> None:
    assert list(Draft202012Validator(schema).iter_errors(read_yaml(path).value)) == []


@pytest.mark.parametrize("path", shipped().values(), ids=lambda path: path.stem)
def test_resolved_specs_are_right(path: Path, schema: dict[str, Any]) -> None:
    assert list(Draft202012Validator(schema).iter_errors(load(path).full)) == []


@pytest.mark.parametrize(
    "text",
    [
        MODEL,
        MODEL + "optimizer: adamw\n",
        MODEL + "optimizer: {kind: sgd, lr: 1}\n",
        MODEL + "trainer: {max_steps: 5, val_check_interval: 0.5, limit_val_batches: 3}\n",
        MODEL + "early_stopping: null\nname: a-1\n",
        MODEL + "schedule: {kind: constant, warmup: '${trainer.max_steps}'}\ntrainer: {max_steps: 5}\n",
        MODEL
        + "sweep: {axes: {model.attention: [full, {kind: longformer, window: 4}], model.dim: [8]}, seeds: [0, 3]}\n",
        "model: {topology: decoder, dim: 8, layer_types: {a: {norm: '${model.norm}'}}, norm: rms}\n",
        "base: demo.yaml\nmodel: {dim: 8}\n",
        "base: [a.yaml, b.yaml]\nmodel: {attention: {window: 8}}\n",
        "model: {topology: encoder, dim: 8, layers: [a, b], layer_types: {a: {norm: rms}, b: {position: none}}}\n",
        "model: {topology: encoder_decoder, dim: 8, encoder: {layers: 2}, attention: {kind: full, qk_norm: rms}}\n",
    ],
)
def test_right(text: str, wrong: Callable[[str], list[str]]) -> None:
    assert wrong(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "seed: 1\n",
        "model: decoder\n",
        "model: {dim: 16}\n",
        "model: {topology: decoder}\n",
        "model: {topology: decodr, dim: 16}\n",
        "model: {topology: decoder, dim: 0}\n",
        "model: {topology: decoder, dim: wide}\n",
        "model: {topology: decoder, dim: 16, attention: fll}\n",
        "model: {topology: decoder, dim: 16, attention: {kind: full, features: 3}}\n",
        "model: {topology: decoder, dim: 16, attention: {window: 3}}\n",
        "model: {topology: decoder, dim: 16, dropout: 1.0}\n",
        "model: {topology: decoder, dim: 16, position: {kind: rotary, layout: halfs}}\n",
        MODEL + "sed: 1\n",
        MODEL + "seed: true\n",
        MODEL + "trainer: {max_step: 1}\n",
        MODEL + "trainer: 5\n",
        MODEL + "name: ../x\n",
        MODEL + "loggers: [tensorbord]\n",
        MODEL + "optimizer: [adamw]\n",
        MODEL + "sweep: {axes: {model.dim: 3}}\n",
        MODEL + "sweep: {axis: {model.dim: [3]}}\n",
        MODEL + "optimizer: {kind: adamw, lr: -1}\n",
        "base: 3\n" + MODEL,
        "base: x.yaml\nmodle: 3\n",
    ],
)
def test_wrong(text: str, wrong: Callable[[str], list[str]]) -> None:
    assert wrong(text)


def test_a_hover_tells_what_an_option_means(schema: dict[str, Any]) -> None:
    window = schema["$defs"]["attention.longformer"]["properties"]["window"]
    assert window["description"].startswith("the whole window")
    assert (window["minimum"] if "minimum" in window else window["anyOf"][0]["minimum"], window["default"]) == (1, 512)
    assert "arXiv 2004.05150" in schema["$defs"]["attention.longformer"]["description"]
    assert schema["$defs"]["spec"]["properties"]["trainer"]["description"]


def test_the_command_writes_or_prints_it(call: Call, schema: dict[str, Any]) -> None:
    printed = call("schema").output
    assert json.loads(printed) == schema
    assert call("schema", "-o", "s.json").exit_code == 0
    assert Path("s.json").read_text() == printed
    # made from the parts, so nothing is lost
    assert call("schema", "-o", "s.json").exit_code == 0


def test_parts_of_ones_own_are_in_it(call: Call) -> None:
    call("new", "part", "for_schema")
    found = json.loads(call("schema", "--plugin", "for_schema.py").output)
    assert "attention.for_schema" in found["$defs"]
    assert "for_schema" in json.dumps(found["$defs"]["attention"])
