"""A trained model, from the folder of its run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks.topology import Topology
from experiments.data import Data
from experiments.making import make_data, make_task
from experiments.results import read_results, runs_in
from experiments.start.merging import merged
from experiments.training.checkpoint_io import model_state, newest, read_checkpoint
from registry.assembly import assemble_block
from registry.catalog import Catalog, UnknownKind
from registry.errors import Problem, SpecError
from registry.yaml_reader import read_yaml

if TYPE_CHECKING:
    from experiments.tasks import Task


@dataclass(frozen=True)
class Trained:
    """A model in evaluation mode, with its data (for the tokenizer), its full spec and its parts.

    step: of the training, after which its weights were saved. fingerprint: of the data that it was trained on.
    """

    model: Topology
    data: Data
    spec: dict[str, Any]
    folder: Path
    catalog: Catalog
    step: int
    fingerprint: str

    @cached_property
    def task(self) -> Task:
        """What the model was trained for, around it, in evaluation mode; made when it is first asked for."""
        task = make_task(self.spec, self.model, self.data, self.catalog)
        task.eval()
        return task


def load_trained(folder: Path, plugins: tuple[str, ...] = ()) -> Trained:
    """The best checkpoint of a run; of a sweep, of its best trial.

    Raises SpecError when the folder holds no trained model.
    """
    folder = _trial_of(folder)
    spec = read_yaml(folder / "spec.yaml").value
    if spec.get("data") is None:
        remedy = f"in Python, registry.load_pretrained({str(folder)!r}) and blocks.generation read and run it"
        raise SpecError([Problem("", f"{folder} is a model without data, so nobody knows its tokenizer; {remedy}")])
    catalog = Catalog.load(plugins)
    try:
        data = make_data(spec, catalog)
        model = assemble_block(spec["model"], catalog)
    except UnknownKind as unknown:
        remedy = "If it is a part of your own, name its file by --plugin"
        raise SpecError([Problem("", f"{folder / 'spec.yaml'}: {unknown.args[0]} {remedy}")]) from None
    data.load(folder)
    checkpoint = _checkpoint(folder)
    model.load_state_dict(merged(model_state(checkpoint), spec))
    assert isinstance(model, Topology)
    step, fingerprint = int(checkpoint["global_step"]), str(checkpoint.get("data", ""))
    return Trained(model.eval(), data, spec, folder, catalog, step, fingerprint)


def _trial_of(folder: Path) -> Path:
    if (folder / "plan.json").is_file():
        best = read_results(folder).best_trial
        if best is None:
            raise SpecError([Problem("", f"{folder}: no trial of this sweep has finished")])
        return best.folder
    if not (folder / "spec.yaml").is_file():
        raise SpecError([Problem("", f"{folder} is no run: it has no spec.yaml{runs_in(folder)}")])
    return folder


def _checkpoint(folder: Path) -> dict[str, Any]:
    best = folder / "checkpoints" / "best.ckpt"
    if best.is_file():
        return read_checkpoint(best)
    found = newest(folder / "checkpoints")
    if found is None:
        raise SpecError([Problem("", f"{folder}: nothing has been saved yet")])
    return found[1]
