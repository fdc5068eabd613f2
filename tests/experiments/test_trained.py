"""Trained models put to use: `run` and `generate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from experiments.cli.main import cli
from experiments.trained import load_trained
from experiments.training.checkpoint_io import model_state, read_checkpoint
from registry.errors import SpecError
from registry.yaml_writer import dump_yaml

TRAINER = {"max_steps": 2, "limit_val_batches": 1}
SPECS: dict[str, dict[str, Any]] = {
    "text": {
        "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
        "data": {"kind": "text", "length": 16, "tokenizer": {"kind": "bpe", "vocab": 300}},
        "task": "causal_lm",
    },
    "pairs": {
        "model": {"topology": "encoder_decoder", "dim": 16, "layers": 1, "heads": 2},
        "data": {"kind": "parallel_text", "length": 16},
        "task": {"kind": "translation", "decode_batches": 0},
    },
    "classes": {
        "model": {"topology": "encoder", "dim": 16, "layers": 1, "heads": 2, "head": "classification"},
        "data": {"kind": "labelled_text", "length": 32},
        "task": "classification",
    },
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    found = {}
    for name, spec in SPECS.items():
        path = root / f"{name}.yaml"
        path.write_text(dump_yaml({**spec, "trainer": TRAINER}))
        result = CliRunner().invoke(cli, ["run", str(path), "--out", str(root)])
        assert result.exit_code == 0, result.output
        (found[name],) = root.glob(f"{name}-*/")
    return found


def test_the_model_is_the_saved_one(runs: dict[str, Path]) -> None:
    for folder in runs.values():
        trained = load_trained(folder)
        saved = model_state(read_checkpoint(folder / "checkpoints" / "best.ckpt"))
        assert not trained.model.training
        assert read_checkpoint(folder / "checkpoints" / "best.ckpt")["spec"] == trained.spec
        assert all(torch.equal(value, saved[name]) for name, value in trained.model.state_dict().items())


@pytest.mark.parametrize("how", [[], ["--temperature", "1", "--top-k", "5", "--top-p", "0.9"], ["--beams", "2"]])
def test_text_is_continued_and_sentences_translated(runs: dict[str, Path], how: list[str]) -> None:
    for name in ("text", "pairs"):
        result = CliRunner().invoke(cli, ["generate", str(runs[name]), "The people", "-n", "8", *how])
        assert result.exit_code == 0, result.output
        assert result.output.startswith("The people") == (name == "text")


def test_sampling_repeats_with_its_seed(runs: dict[str, Path]) -> None:
    words = ["generate", str(runs["text"]), "The", "-n", "20", "--temperature", "2"]
    outputs = [CliRunner().invoke(cli, [*words, "--seed", seed]).output for seed in ("1", "1", "2")]
    assert outputs[0] == outputs[1] != outputs[2]


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("classes", [], "does not predict tokens"),
        ("text", ["--beams", "3", "--temperature", "1"], "beam search does not sample"),
        ("text", ["--top-k", "3"], "what is sampled"),
    ],
)
def test_what_cannot_be_generated_is_refused(runs: dict[str, Path], name: str, more: list[str], words: str) -> None:
    result = CliRunner().invoke(cli, ["generate", str(runs[name]), "Yes", *more])
    assert result.exit_code == 2 and words in result.output


def test_an_empty_prompt_and_a_folder_that_is_no_run(runs: dict[str, Path], tmp_path: Path) -> None:
    assert "the prompt is empty" in CliRunner().invoke(cli, ["generate", str(runs["text"]), ""]).output
    with pytest.raises(SpecError, match="is no run"):
        load_trained(tmp_path)
    (tmp_path / "spec.yaml").write_text("model: {topology: decoder, dim: 8, heads: 2, vocab: 5}\n")
    with pytest.raises(SpecError, match=r"is a model without data, .*registry\.load_pretrained"):
        load_trained(tmp_path)


def test_a_finished_run_is_told_so_and_a_torn_summary_written_anew(runs: dict[str, Path]) -> None:
    folder = runs["text"]
    words = ["run", str(folder.parent / "text.yaml"), "--out", str(folder.parent)]
    again = CliRunner().invoke(cli, words)
    assert again.exit_code == 0 and "trained before: nothing is left to do" in again.output
    summary = folder / "summary.json"
    whole = json.loads(summary.read_text())
    summary.write_bytes(summary.read_bytes()[:40])
    mended = CliRunner().invoke(cli, words)
    assert mended.exit_code == 0 and "trained before" not in mended.output
    assert json.loads(summary.read_text())["metrics"] == whole["metrics"]


def test_a_run_with_a_part_of_ones_own_needs_its_file(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from blocks.norm import Norm\nfrom registry import part\n\n"
        "@part('norm', 'mine')\nclass Mine(Norm):\n    '''Nothing.'''\n\n"
        "    def __init__(self, dim: int) -> None:\n        super().__init__()\n\n"
        "    def forward(self, x):\n        return x\n"
    )
    path = tmp_path / "own.yaml"
    path.write_text(dump_yaml({**SPECS["text"], "trainer": TRAINER}))
    words = ["run", str(path), "model.norm=mine", "--plugin", str(plugin), "--out", str(tmp_path)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    (folder,) = tmp_path.glob("own-*/")
    refused = CliRunner().invoke(cli, ["generate", str(folder), "The", "-n", "2"])
    assert refused.exit_code == 2
    assert "unknown norm 'mine'" in refused.output and "--plugin" in refused.output
    assert CliRunner().invoke(cli, ["generate", str(folder), "The", "-n", "2", "--plugin", str(plugin)]).exit_code == 0
