"""Runs to start from, trained for a step or two on a few lines of text."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from experiments.cli.main import cli
from experiments.making import filled, make_data
from experiments.start.placing import placed
from experiments.start.settling import settled
from experiments.trial_spec import alone
from registry.load import load
from registry.yaml_writer import dump_yaml

WORDS = [
    "we",
    "the",
    "people",
    "of",
    "these",
    "states",
    "hold",
    "that",
    "all",
    "are",
    "born",
    "with",
    "equal",
    "rights",
]
MODEL: dict[str, Any] = {"topology": "decoder", "dim": 16, "layers": 2, "heads": 2}
TRAINER = {"max_steps": 2, "limit_val_batches": 1, "val_check_interval": 1}


def write_corpora(folder: Path) -> None:
    """A text, and a table of labelled texts, for training and validation."""
    draw = random.Random(0)
    for split in ("train", "valid"):
        lines = [" ".join(draw.choices(WORDS, k=8)) for _ in range(40)]
        (folder / f"{split}.txt").write_text("\n".join(lines))
        rows = [f"{'ab'[i % 2]}\t{line}" for i, line in enumerate(lines)]
        (folder / f"{split}.tsv").write_text("\n".join(["label\ttext", *rows]))


def text_spec(**more: Any) -> dict[str, Any]:
    data = {"kind": "text", "train": "train.txt", "valid": "valid.txt", "length": 16, "batch_size": 4}
    return {"model": MODEL, "data": data, "task": "causal_lm", "trainer": TRAINER} | more


def fine_spec(init_from: Any, **more: Any) -> dict[str, Any]:
    data = {"kind": "labelled_text", "train": "train.tsv", "valid": "valid.tsv", "length": 32, "batch_size": 4}
    model = MODEL | {"head": "classification"}
    return {"model": model, "data": data, "task": "classification", "trainer": TRAINER, "init_from": init_from} | more


Swapformer = Callable[..., Result]


@pytest.fixture
def swapformer(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Swapformer:
    """The command line in a folder with texts and with runs/lm, a language model of byte pairs.

    A spec is given as a dict, and written to `NAME.yaml`.
    """
    monkeypatch.chdir(workplace)

    def call(command: str, spec: dict[str, Any] | str, *words: str, name: str = "fine", code: int = 0) -> Result:
        if isinstance(spec, dict):
            Path(f"{name}.yaml").write_text(dump_yaml(spec))
            spec = f"{name}.yaml"
        result = CliRunner().invoke(cli, [command, spec, *words])
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workplace")
    write_corpora(folder)
    data = text_spec()["data"] | {"tokenizer": {"kind": "bpe", "vocab": 280}}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for name, spec in {"lm": text_spec(data=data), "plain": text_spec()}.items():
            Path(f"{name}.yaml").write_text(dump_yaml(spec))
            result = CliRunner().invoke(cli, ["run", f"{name}.yaml"])
            assert result.exit_code == 0, result.output
    return folder


def run_of(name: str) -> Path:
    """The one run that is named so."""
    (folder,) = Path("runs").glob(f"{name}-????????")
    return folder


def planned(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a trial, as the commands make it before anything is trained."""
    loaded = placed(load(spec))
    return alone(settled(filled(loaded.full, make_data(loaded.full, loaded.catalog)), loaded.catalog))
