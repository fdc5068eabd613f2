"""Models as graphs: which kinds can be written, with which sizes free, and that the files say what the models say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import experiments.exporting.files as files
from blocks.topology import Topology
from experiments.exporting import CannotExport, write_graph
from experiments.extras import MissingExtra
from registry.assembly import assemble_block
from registry.load import load

BASE = {"dim": 16, "layers": 1, "heads": 2, "vocab": 50}
KINDS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "full": ({"topology": "decoder"}, {"rows", "length"}),
    "rotary": ({"topology": "decoder", "position": "rotary"}, {"rows", "length"}),
    "alibi": ({"topology": "decoder", "position": "alibi"}, {"rows", "length"}),
    "learned": ({"topology": "decoder", "position": {"kind": "learned", "length": 64}}, {"rows", "length"}),
    "encoder": ({"topology": "encoder"}, {"rows", "length"}),
    "performer": ({"topology": "encoder", "attention": "performer"}, {"rows", "length"}),
    "linear": ({"topology": "decoder", "attention": "linear"}, {"rows"}),
    "shaw": ({"topology": "decoder", "position": "shaw"}, set()),
    "transformer_xl": ({"topology": "decoder", "attention": "transformer_xl"}, {"rows", "length"}),
    "classes": ({"topology": "encoder", "head": {"kind": "classification", "classes": 3}}, {"rows", "length"}),
    "t5": ({"topology": "encoder_decoder", "position": "t5"}, {"rows", "length", "source_length"}),
    "encoder_decoder": ({"topology": "encoder_decoder"}, {"rows", "length", "source_length"}),
    "patches": (
        {
            "topology": "encoder",
            "vocab": None,
            "embedding": {"kind": "patches", "channels": 1, "patch": 4},
            "head": {"kind": "classification", "classes": 3},
        },
        {"rows"},
    ),
}
LOOKS_AT_VALUES = {
    "longformer": {"topology": "encoder", "attention": {"kind": "longformer", "window": 8}},
    "bigbird": {"topology": "encoder", "attention": {"kind": "bigbird", "block": 4}},
}


def model(block: dict[str, Any]) -> Topology:
    loaded = load({"model": {**BASE, **block}})
    built = assemble_block(loaded.full["model"], loaded.catalog)
    assert isinstance(built, Topology)
    return built.eval()


def free_sizes(folder: Path) -> set[str]:
    described = json.loads((folder / "inputs.json").read_text())
    return {size for entry in described.values() for size in entry["shape"] if isinstance(size, str)}


def test_a_torch_program_says_what_the_model_says_at_other_sizes(tmp_path: Path) -> None:
    classifier = model(KINDS["classes"][0])
    written = write_graph(classifier, tmp_path / "out", "torch")
    assert written.difference <= files.TOLERANCE and free_sizes(tmp_path / "out") == {"rows", "length"}
    program = torch.export.load(written.path).module()
    tokens, valid = torch.randint(50, (4, 7)), torch.ones(4, 7, dtype=torch.bool)
    with torch.no_grad():
        torch.testing.assert_close(program({"tokens": tokens, "valid": valid})["logits"], classifier(tokens))


@pytest.mark.slow
@pytest.mark.parametrize("format", ["torch", "onnx"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_a_graph_can_express(kind: str, format: str, tmp_path: Path) -> None:
    block, free = KINDS[kind]
    written = write_graph(model(block), tmp_path / "out", format)
    assert written.difference <= files.TOLERANCE
    assert free_sizes(tmp_path / "out") == free


@pytest.mark.slow
@pytest.mark.parametrize("kind", LOOKS_AT_VALUES)
def test_what_depends_on_values_is_refused_and_nothing_is_left(kind: str, tmp_path: Path) -> None:
    with pytest.raises(CannotExport, match="depends on values of its inputs, which a graph cannot look at"):
        write_graph(model(LOOKS_AT_VALUES[kind]), tmp_path / "out", "torch")
    assert not (tmp_path / "out").exists()


def test_a_file_that_says_something_else_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(captured: files.Captured, path: Path) -> files.Run:
        run = files._torch_program(captured, path)
        return lambda inputs: {name: value + 1e-3 for name, value in run(inputs).items()}

    monkeypatch.setitem(files.FORMATS, "torch", wrong)
    with pytest.raises(CannotExport, match=r"logits of the file differs from the model's by 0\.001, more than 0\.0001"):
        write_graph(model({"topology": "decoder"}), tmp_path / "out", "torch")
    assert not (tmp_path / "out").exists()


def test_onnx_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"onnxruntime is not installed: pip install 'swapformer\[onnx\]'"):
        write_graph(model({"topology": "decoder"}), tmp_path / "out", "onnx")
    assert not (tmp_path / "out").exists()
