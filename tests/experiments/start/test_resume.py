"""A training that goes on has its weights from its own checkpoint; one that begins reads what it was planned with."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from fine_tuning import Swapformer, fine_spec, planned, run_of, text_spec
from torch import Tensor

from experiments.making import PartsMaker
from experiments.start.settling import settled
from experiments.trained import load_trained
from experiments.training.checkpoint_io import read_checkpoint
from experiments.training.trial import run_trial
from experiments.trial_spec import trial_id
from registry import save_pretrained
from registry.errors import SpecError
from registry.load import load

BYTES = fine_spec(None)["data"] | {"tokenizer": "bytes"}


def weights(folder: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = read_checkpoint(folder / "checkpoints" / "last.ckpt")["state_dict"]
    return found


def curve(folder: Path) -> list[tuple[str, ...]]:
    with open(folder / "metrics.csv", encoding="utf-8", newline="") as file:
        return [(row["step"], row["name"], row["value"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    "more", [{}, {"freeze": ["embedding", "decoder.layers.0"]}, {"lora": {"rank": 2, "dropout": 0.3}}], ids=str
)
def test_resumed_it_comes_out_the_same_and_the_source_is_not_read(
    more: dict[str, Any], swapformer: Swapformer, tmp_path: Path
) -> None:
    optimizer = {"kind": "adamw", "layer_decay": 0.7}
    trainer = {"max_steps": 4, "val_check_interval": 2, "limit_val_batches": 1, "log_every_n_steps": 1}
    source = run_of("plain")
    start = {"path": str(source), **more}
    spec = planned(fine_spec(start, data=BYTES, optimizer=optimizer, trainer=trainer))
    whole = run_trial(spec, tmp_path / "whole", build_parts=PartsMaker())
    paused = run_trial(spec, tmp_path / "parts", build_parts=PartsMaker(), until=2)
    assert paused["status"] == "paused"
    source.rename("away")
    try:
        resumed = run_trial(spec, tmp_path / "parts", build_parts=PartsMaker())
        with pytest.raises(SpecError, match="there is no"):
            run_trial(spec, tmp_path / "new", build_parts=PartsMaker())
    finally:
        Path("away").rename(source)
    assert curve(tmp_path / "parts") == curve(tmp_path / "whole")
    assert resumed["metrics"] == whole["metrics"]
    assert resumed["init_from"] == whole["init_from"] and whole["init_from"]["loaded"] == 35
    mine, theirs = weights(tmp_path / "parts"), weights(tmp_path / "whole")
    assert mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_other_weights_at_the_same_place_are_another_trial(swapformer: Swapformer, tmp_path: Path) -> None:
    specs = []
    for seed in (0, 1):
        folder = tmp_path / f"source{seed}"
        run_trial(planned(text_spec(seed=seed)), folder, build_parts=PartsMaker())
        specs.append(folder)
    place = tmp_path / "place"
    ids = []
    for folder in specs:
        folder.rename(place)
        spec = planned(fine_spec(str(place), data=BYTES))
        ids.append(trial_id(spec))
        place.rename(folder)
    assert ids[0] != ids[1]
    specs[0].rename(place)
    assert trial_id(planned(fine_spec(str(place), data=BYTES))) == ids[0]
    with pytest.raises(SpecError, match="is not what it was when this was planned"):
        run_trial(spec, tmp_path / "run", build_parts=PartsMaker())
    # what is planned already is taken as it is, wherever its source is by now
    place.rename(specs[0])
    assert settled(spec, load(text_spec()).catalog) == spec


def test_sources_of_every_sort_are_the_same_weights(swapformer: Swapformer) -> None:
    """A run, its name, its checkpoint, what was exported from it, and copies: one trial, wherever they lie."""
    run = run_of("plain")
    save_pretrained(load_trained(run).model, "exported")
    shutil.copytree(run, "elsewhere")
    shutil.copy(run / "checkpoints" / "best.ckpt", "alone.ckpt")
    paths = ["runs/plain", "plain", str(run.resolve()), str(run / "checkpoints" / "best.ckpt"), "exported", "elsewhere"]
    specs = [planned(fine_spec(path, data=BYTES)) for path in [*paths, "alone.ckpt"]]
    assert len({trial_id(spec) for spec in specs}) == 1
    assert [spec["init_from"]["path"] for spec in specs[: len(paths)]] == paths


@pytest.mark.slow
def test_two_processes_start_alike(swapformer: Swapformer, tmp_path: Path) -> None:
    """Each fills its own model; after no step at all the weights are those of one process."""
    trainer = {"max_steps": 1, "limit_val_batches": 1, "accelerator": "cpu"}
    found = []
    for devices in (1, 2):
        spec = planned(fine_spec("runs/plain", data=BYTES, trainer=trainer | {"devices": devices}))
        summary = run_trial(spec, tmp_path / str(devices), build_parts=PartsMaker())
        found.append(weights(tmp_path / str(devices)))
        assert summary["init_from"]["loaded"] == 35
    assert json.loads((tmp_path / "2" / "init_from.json").read_text())["counts"]["new"] == 2
    for name in found[0]:
        torch.testing.assert_close(found[0][name], found[1][name], msg=name)
