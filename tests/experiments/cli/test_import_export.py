"""`swapformer import` and `swapformer export`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file, save_file

from experiments.trained import load_trained
from registry import assemble, load_pretrained, save_pretrained
from registry.yaml_writer import dump_yaml

Call = Callable[..., Result]

LLAMA: dict[str, Any] = {
    "topology": "decoder",
    "dim": 8,
    "layers": 1,
    "heads": 2,
    "vocab": 13,
    "attention": {"kind": "full", "bias": False},
    "norm": "rms",
    "feedforward": "swiglu",
}
TOKENS = torch.arange(7)[None]


@pytest.fixture
def published() -> Path:
    """A folder in Hugging Face's layout."""
    save_pretrained(assemble(LLAMA), "published", as_="llama")
    return Path("published")


def test_there_and_back(call: Call, published: Path) -> None:
    result = call("import", published, "--as", "llama", "-o", "parts")
    assert result.exit_code == 0, result.output
    assert "wrote parts: decoder" in result.output and "float32; next: swapformer describe parts" in result.output
    assert call("describe", "parts/spec.yaml").exit_code == 0
    result = call("export", "parts", "--as", "llama", "-o", "again")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("wrote again: decoder") and result.output.endswith(", as llama\n")
    before, after = (load_file(folder / "model.safetensors") for folder in (published, Path("again")))
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    assert json.loads((published / "config.json").read_text()) == json.loads(Path("again/config.json").read_text())


def test_the_family_need_not_be_named(call: Call, published: Path) -> None:
    assert call("import", published, "-o", "parts").exit_code == 0
    assert torch.equal(load_pretrained("parts")(TOKENS), load_pretrained(published)(TOKENS))


def test_the_tokenizer_comes_along(call: Call, published: Path) -> None:
    (published / "tokenizer.json").write_text("{}")
    (published / "notes.txt").write_text("mine")
    assert "float32 with tokenizer.json; next" in call("import", published, "-o", "parts").output
    assert call("export", "parts", "--as", "llama", "-o", "again").exit_code == 0
    assert Path("again/tokenizer.json").read_text() == "{}"
    assert not Path("parts/notes.txt").exists()


@pytest.mark.parametrize("command", ["import", "export"])
def test_a_folder_with_something_in_it_is_left_alone(call: Call, published: Path, command: str) -> None:
    # told before anything is read
    (published / "model.safetensors").write_bytes(b"")
    for taken, words in ((published, "is not empty"), (published / "config.json", "is a file")):
        result = call(command, published, "-o", taken)
        assert result.exit_code == 2 and words in result.stderr


@pytest.mark.parametrize("command", ["import", "export"])
def test_an_empty_folder_will_do(call: Call, published: Path, command: str) -> None:
    Path("empty").mkdir()
    assert call(command, published, "-o", "empty").exit_code == 0


def test_what_does_not_fit_is_told_line_by_line(call: Call, published: Path) -> None:
    weights = load_file(published / "model.safetensors")
    weights["model.layers.0.self_attn.q_proj.bias"] = torch.ones(8)
    weights["model.norm.wieght"] = weights.pop("model.norm.weight")
    save_file(weights, published / "model.safetensors")
    result = call("import", published, "-o", "parts")
    assert result.exit_code == 2
    assert "missing: model.norm.weight (the file has model.norm.wieght, which nothing uses)" in result.stderr
    assert "q_proj.bias (the model has no stack.layers.{n}.attention.query.bias)" in result.stderr
    assert "Traceback" not in result.stderr and not Path("parts").exists()


def test_what_is_not_implemented_is_refused_by_name(call: Call, published: Path) -> None:
    config = json.loads((published / "config.json").read_text())
    (published / "config.json").write_text(json.dumps({**config, "secret_sauce": 1}))
    result = call("import", published, "-o", "parts")
    assert result.exit_code == 2 and "secret_sauce: 1 is not known" in result.stderr


def test_what_a_family_cannot_express_is_refused(call: Call, published: Path) -> None:
    result = call("export", published, "--as", "gpt2", "-o", "out")
    assert result.exit_code == 2
    assert (
        "conversion 'gpt2' cannot express this model: model.position 'rotary' has no option 'length'" in result.stderr
    )
    assert "Did you mean 'llama'" in call("export", published, "--as", "lama", "-o", "out").stderr
    assert not Path("out").exists()


def test_a_trained_run_is_exported(call: Call) -> None:
    spec = {
        "model": {**LLAMA, "vocab": None},
        "data": {"kind": "text", "length": 16},
        "task": "causal_lm",
        "trainer": {"max_steps": 2, "limit_val_batches": 1},
    }
    Path("small.yaml").write_text(dump_yaml(spec))
    assert call("run", "small.yaml", "--out", "runs").exit_code == 0
    (folder,) = Path("runs").glob("small-*/")
    trained = load_trained(folder).model
    assert call("export", folder, "-o", "own").exit_code == 0
    result = call("export", folder, "--as", "llama", "-o", "llama")
    assert result.exit_code == 0, result.output
    for written in ("own", "llama"):
        assert torch.equal(load_pretrained(written)(TOKENS), trained(TOKENS))


PLUGIN = '''
from blocks.conversion import Llama
from registry import part

@part("conversion", "my_llama")
class Mine(Llama):
    """Llama under another name."""
    model_type = "my_llama"
    reads = ()
'''


def test_a_table_of_ones_own_is_named_by_its_file(call: Call, published: Path) -> None:
    Path("mine.py").write_text(PLUGIN)
    assert call("export", published, "--as", "my_llama", "-o", "out", "--plugin", "mine.py").exit_code == 0
    assert json.loads(Path("out/config.json").read_text())["model_type"] == "my_llama"
    assert call("import", "out", "-o", "parts").exit_code == 2
    assert call("import", "out", "-o", "parts", "--plugin", "mine.py").exit_code == 0
    assert "my_llama" in call("list", "conversion", "--plugin", "mine.py").output


def test_a_table_is_shown_with_how_to_use_it(call: Call) -> None:
    output = call("show", "conversion/gpt2").output
    assert "reads: model_type gpt2" in output
    assert output.endswith("On the command line\n    swapformer import FOLDER --as gpt2 -o NEW_FOLDER\n")
    assert "In a spec" not in output


def test_a_name_means_the_part_of_a_spec_first(call: Call) -> None:
    assert call("show", "longformer").output.startswith("attention longformer")
    assert call("show", "llama").output.startswith("conversion llama")
    assert call("show", "conversion/longformer").output.startswith("conversion longformer")
