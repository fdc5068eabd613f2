"""Every recipe that ships: it can be planned and built, a few steps of it learn, and its model can be used."""

from __future__ import annotations

import csv
import json
import lzma
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from benchmarks.recipes.rows import ROWS
from benchmarks.recipes.train import baseline_function
from experiments.cli.building import dry_build
from experiments.cli.main import cli
from experiments.cli.specs import RECIPES, recipes
from experiments.data import Data
from experiments.data.files import CORPORA
from experiments.sweep.plan import make_plan
from experiments.trained import load_trained
from registry.catalog import Catalog
from registry.load import load

SPECS = sorted(RECIPES.rglob("*.yaml"))
STEPS = 30
FEW = [
    # one process, whose metrics are to the bit those of one that evaluates the run afterwards
    f"trainer={{max_steps: {STEPS}, log_every_n_steps: 1, limit_val_batches: 2, limit_test_batches: 2, devices: 1}}",
    "init_from=null",
]
TEXTS = {
    "questions": "What is it?\nIt is a small bird that sings at night.",
    "masked_text": "The people of <mask> country are free.",
    "corrupted_text": "The people of <mask> are free.",
}
"""Where a text has to be of a kind."""


def measured(task: str, metric: str) -> bool:
    """Whether the task declares the metric, of whatever split."""
    known = Catalog.load().get("task", task)["metrics"]
    return any(fnmatchcase(metric.split("/")[1], name) for name in known)


def name_of(spec: Path) -> str:
    return spec.relative_to(RECIPES).with_suffix("").as_posix()


@pytest.mark.parametrize("spec", SPECS, ids=name_of)
def test_a_recipe_can_be_planned_and_built(spec: Path) -> None:
    # the runs that some start from come first
    loaded = load(spec, ["init_from=null"])
    dry_build(loaded, None if loaded.full["sweep"] is None else make_plan(loaded))
    assert loaded.full["metric"]["name"].startswith("valid/"), "nothing is chosen on the test split"
    assert spec.read_text(encoding="utf-8").startswith("# "), "it says what it is and what to expect"


def test_recipes_have_names_that_commands_take() -> None:
    assert set(recipes().values()) == set(SPECS)
    listed = CliRunner().invoke(cli, ["list", "specs"]).output
    assert all(f"recipes/{name_of(spec)}" in listed for spec in SPECS)


def test_rows_are_about_recipes_that_ship() -> None:
    specs = [row.spec for row in ROWS]
    assert len(set(specs)) == len(specs)
    assert set(specs) <= set(recipes())
    for row in ROWS:
        assert row.metric.startswith("test/") and set(row.after) <= set(specs)
        task = load(RECIPES.parent / f"{row.spec}.yaml").full["task"]["kind"]
        assert all(measured(task, name) for name in (row.metric, *row.also)), row.spec
        assert row.bar is not None or row.claims or row.group != "recipes", row.spec
        for name in row.baselines:
            assert callable(baseline_function(name))


def test_rows_name_variants_as_results_do() -> None:
    for row in ROWS:
        named = {row.variant} - {None} | {label for claim in row.claims for label in (claim.better, claim.worse)}
        if named:
            plan = make_plan(load(RECIPES.parent / f"{row.spec}.yaml", ["init_from=null"]))
            assert named <= {variant.label for variant in plan.variants}, row.spec


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("spec", SPECS, ids=name_of)
def test_a_few_steps_learn_and_the_model_can_be_used(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    # without warming up, where the learning rate has a meaning of its own
    at_once = [] if load(spec).full["schedule"]["kind"] == "noam" else ["schedule=constant"]
    called("run", spec, *FEW, *at_once, "--out", tmp_path)
    (run,) = [path.parent for path in tmp_path.glob("*/summary.json")]
    curve = losses(run)
    assert len(curve) == STEPS
    assert fmean(curve[-5:]) < fmean(curve[:3]), "the training loss falls from its initial value"

    summary = json.loads((run / "summary.json").read_text())
    before = (run / "summary.json").read_bytes()
    for split in ("valid", "test"):
        reported = {k: v for k, v in {**summary["metrics"], **summary["best_metrics"]}.items() if k.startswith(split)}
        if reported:
            called("evaluate", run, "--split", split)
            assert json.loads((run / f"evaluation-{split}.json").read_text())["metrics"] == reported
    assert (run / "summary.json").read_bytes() == before
    assert all(measured(load(spec).full["task"]["kind"], name) for name in summary["metrics"])

    trained = load_trained(run)
    given = real_input(trained.data, trained.spec["data"], tmp_path)
    if given is None:
        return
    called("predict", run, given, "-o", tmp_path / "answers.jsonl", "--figures", tmp_path / "figures")
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert answers and all(len(answer) > 1 for answer in answers)


def called(*words: object) -> str:
    """What a command says; it must do what it is told."""
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def losses(run: Path) -> list[float]:
    with open(run / "metrics.csv", encoding="utf-8") as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["name"] == "train/loss"]


def real_input(data: Data, spec: Mapping[str, Any], folder: Path) -> str | Path | None:
    """Something of the test split as a person would have it; None for data that people have no inputs for."""
    match kind := spec["kind"]:
        case "images" | "pixels" | "scenes" | "objects":
            data.prepare()
            rows = data.rows("test")
            pixels = data.picture(rows.batch(rows.keys(None)[:1]), 0)
            assert pixels is not None
            Image.fromarray((np.squeeze(pixels) * 255).astype(np.uint8)).save(folder / "input.png")
            return folder / "input.png"
        case "speech":
            from scipy.io import wavfile

            with lzma.open(CORPORA / "speech" / "spoken_digits.npz.xz") as file, np.load(file) as found:
                end = found["offset_test"][1]
                # 7-bit mu-law
                code = found["audio_test"][:end].astype(np.float64) / 63.5 - 1
                wave = np.sign(code) * (128 ** np.abs(code) - 1) / 127
                wavfile.write(folder / "input.wav", int(found["rate"].item()), (wave * 32767).astype(np.int16))
            return folder / "input.wav"
        case "series":
            return CORPORA / "series" / f"{spec['corpus']}.csv.xz"
        case "labelled_tokens":
            if spec["corpus"] == "punctuation":
                return "the people of this land are free"
            data.prepare()
            return "ILVWLKLQMMG"
    if hasattr(data, "symbols"):
        if not data.symbols:
            return None
        rows = data.rows("valid")
        batch = rows.batch(rows.keys(None)[:1])
        return " ".join(data.symbols[i] for i in batch["tokens"][0].tolist())
    return TEXTS.get(kind, "the people of this land are free")
