"""`swapformer attend`, from a run or a folder with weights to a page and pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from blocks.tap import Tap
from experiments.attention_maps.packing import STEPS, Packed, unpack
from experiments.cli.main import cli
from experiments.trained import load_trained
from registry.assembly import assemble
from registry.pretrained import save_pretrained
from registry.yaml_writer import dump_yaml

Call = Callable[..., Result]

SENTENCE = "The animal didn't cross the street."
SIZES: dict[str, Any] = {"dim": 16, "layers": 2, "heads": 2}
SPECS: dict[str, dict[str, Any]] = {
    "text": {
        "model": {"topology": "decoder", **SIZES, "attention": {"kind": "longformer", "window": 8}},
        "data": {"kind": "text", "length": 16, "tokenizer": {"kind": "bpe", "vocab": 300}},
        "task": "causal_lm",
    },
    "pairs": {
        "model": {"topology": "encoder_decoder", **SIZES},
        "data": {"kind": "parallel_text", "length": 64},
        "task": {"kind": "translation", "decode_batches": 0},
    },
    "classes": {
        "model": {"topology": "encoder", **SIZES, "head": "classification"},
        "data": {"kind": "labelled_text", "length": 64},
        "task": "classification",
    },
}


@pytest.fixture(scope="module")
def runs(parts_index: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWAPFORMER_CACHE", str(parts_index))
        for name, spec in SPECS.items():
            path = root / f"{name}.yaml"
            path.write_text(dump_yaml({**spec, "trainer": {"max_steps": 2, "limit_val_batches": 1}}))
            result = CliRunner().invoke(cli, ["run", str(path), "--out", str(root)])
            assert result.exit_code == 0, result.output
            (found[name],) = root.glob(f"{name}-*/")
    return found


def data_of(page: Path) -> Any:
    html = page.read_text(encoding="utf-8")
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    return json.loads(found)


def words(data: Any, stream: str) -> list[str]:
    return [word["text"] for word in data["streams"][stream]]


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n") and path.stat().st_size > 2000


def test_a_language_model(call: Call, runs: dict[str, Path]) -> None:
    """The weights on the page are those of the model, of a sparse kind and with byte pairs."""
    done = call("attend", runs["text"], SENTENCE)
    assert done.exit_code == 0, done.output
    folder = runs["text"] / "attention"
    assert sorted(path.name for path in folder.iterdir()) == ["attention.html", "decoder.png"]
    assert str(folder / "attention.html") in done.output and is_png(folder / "decoder.png")
    assert "note: the text has" in done.output and "the model was trained on 16" in done.output
    data = data_of(folder / "attention.html")
    assert "".join(words(data, "text")) == SENTENCE.replace(" ", "\u2423")
    trained, tap = load_trained(runs["text"]), Tap()
    ids = torch.from_numpy(trained.data.tokenizer.encode(SENTENCE.encode())).long()[None]
    with torch.no_grad():
        trained.model.run(ids, tap=tap)  # type: ignore[operator]
    ((layers, kinds),) = [(s["layers"], {layer["kind"] for layer in s["layers"]}) for s in data["stacks"]]
    assert kinds == {"longformer"} and len(layers) == 2
    for number, layer in enumerate(layers):
        weights = tap.attention["decoder", number][0].numpy()
        back = unpack(Packed(layer["weights"], layer["scale"]), weights.shape)
        np.testing.assert_allclose(back, weights, atol=1 / STEPS)


def test_a_translation_model(call: Call, runs: dict[str, Path]) -> None:
    done = call("attend", runs["pairs"], "Yes.", "--target", "S\u00ed.", "-o", "maps", "--layers", "1", "--heads", "0")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in Path("maps").iterdir()) == [
        "attention.html", "cross.png", "decoder.png", "encoder.png"
    ]  # fmt: skip
    assert all(is_png(path) for path in Path("maps").glob("*.png"))
    data = data_of(Path("maps/attention.html"))
    assert words(data, "source") == ["Y", "e", "s", ".", "<eos>"]
    assert words(data, "target") == ["<bos>", "S", "\u00ed\u2081", "\u00ed\u2082", "."]
    assert [[(layer["layer"], layer["heads"]) for layer in stack["layers"]] for stack in data["stacks"]] == [
        [(1, [0])]
    ] * 3
    assert data["some_heads"] is True


def test_the_target_is_the_answer_of_the_model_unless_given(call: Call, runs: dict[str, Path]) -> None:
    done = call("attend", runs["pairs"], "Yes.", "-o", "maps", "--limit", "20")
    assert done.exit_code == 0, done.output
    target = words(data_of(Path("maps/attention.html")), "target")
    assert target[0] == "<bos>" and len(target) <= 20


def test_a_classifier(call: Call, runs: dict[str, Path]) -> None:
    done = call("attend", runs["classes"], "to be", "-o", "maps")
    assert done.exit_code == 0, done.output
    data = data_of(Path("maps/attention.html"))
    assert words(data, "text") == ["<bos>", *"to\u2423be"]
    assert data["stacks"][0]["name"] == "encoder" and "next" not in data["streams"]["text"][0]


def test_a_folder_with_weights_and_no_tokenizer(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save_pretrained(assemble({"topology": "decoder", **SIZES, "vocab": 30}), folder)
    done = call("attend", folder, "3 1 4")
    assert done.exit_code == 0, done.output
    assert words(data_of(folder / "attention" / "attention.html"), "text") == ["3", "1", "4"]
    refused = call("attend", folder, "the cat")
    assert refused.exit_code == 2 and "there is no tokenizer.json, so give token ids" in refused.output


def test_layers_without_weights_are_told(call: Call, runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from blocks.attention import FullAttention

    monkeypatch.setattr(FullAttention, "provides", FullAttention.provides - {"weights"})
    done = call("attend", runs["classes"], "to be", "-o", "maps")
    assert done.exit_code == 0, done.output
    assert "note: encoder, layer 1: attention 'full' has no weights to show" in done.output
    assert "encoder, layer 0: attention &#39;full&#39; has no weights" in Path("maps/attention.html").read_text()
    assert is_png(Path("maps/encoder.png"))


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("text", [""], "the text is empty"),
        ("text", ["x" * 300], "has 300 tokens and a map as many rows, the limit is 256"),
        ("text", ["Yes", "--layers", "0-2"], "there is no layer 2: the model has 2, counted from 0"),
        ("text", ["Yes", "--heads", "1,7"], "there is no head 7"),
        ("text", ["Yes", "--layers", "2-1"], "'2-1' is no list of numbers such as 0,3-5"),
        ("text", ["Yes", "--heads", ""], "is no list of numbers"),
        ("text", ["Yes", "--target", "S\u00ed"], "a target is for an encoder-decoder"),
        ("pairs", ["Yes", "--start", "<bos>"], "a run knows how its targets begin"),
        ("text", ["Yes", "-o", "file/maps"], "cannot write to file/maps"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    call: Call, runs: dict[str, Path], name: str, arguments: list[str], said: str
) -> None:
    Path("file").touch()
    done = call("attend", runs[name], *arguments)
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.output.split()).replace("\u2502", "")


def test_a_folder_that_is_no_run(call: Call, tmp_path: Path) -> None:
    done = call("attend", tmp_path, "Yes")
    assert done.exit_code == 2 and "is no run" in done.output


def test_weights_and_tokenizers_that_cannot_be_used(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save_pretrained(assemble({"topology": "decoder", **SIZES, "vocab": 30}), folder)
    (folder / "tokenizer.json").write_text("{}")
    broken = call("attend", folder, "Yes")
    assert broken.exit_code == 2 and "cannot be read as a tokenizer" in broken.output
    (folder / "tokenizer.json").unlink()
    spec = (folder / "spec.yaml").read_text()
    (folder / "spec.yaml").write_text(spec.replace("dim: 16", "dim: 32"))
    misshapen = call("attend", folder, "1 2")
    assert misshapen.exit_code == 2 and "embedding.table.weight" in misshapen.output


def test_the_page_is_shown_when_asked(call: Call, runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("click.launch", shown.append)
    call("attend", runs["classes"], "be", "-o", "maps")
    assert shown == []
    call("attend", runs["classes"], "be", "-o", "maps", "--open", "yes")
    assert shown == ["maps/attention.html"]
