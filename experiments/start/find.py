"""Which run, checkpoint or folder of weights an `init_from` means; imports no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.results import ResultsError, read_results, runs_in
from experiments.results.find import find
from experiments.results.read import is_sweep, runs_below
from experiments.results.trial import Trial
from registry.errors import Problem, SpecError, did_you_mean
from registry.tensor_files import INDEX, WEIGHTS
from registry.yaml_reader import read_yaml

RUNS = Path("runs")
_HASH = re.compile(r"-[0-9a-f]{8}$")


@dataclass(frozen=True)
class Found:
    """A source that is there. path: the folder of a run or trial, a checkpoint file, or a folder of weights."""

    path: Path
    kind: Literal["run", "checkpoint", "weights"]

    @property
    def home(self) -> Path:
        """The folder with what belongs to the weights: their tokenizer, and a run's spec."""
        if self.kind != "checkpoint":
            return self.path
        return self.path.parent.parent if self.path.parent.name == "checkpoints" else self.path.parent

    @property
    def tokenizer_file(self) -> Path | None:
        """The tokenizer that was learned or published with the weights."""
        path = self.home / "tokenizer.json"
        return path if path.is_file() else None

    def data(self) -> dict[str, Any] | None:
        """The data block of the run's full spec; None for weights that no run of ours has made."""
        path = self.home / "spec.yaml"
        if self.kind == "weights" or not path.is_file():
            return None
        block = read_yaml(path).value.get("data")
        return block if isinstance(block, dict) else None


def find_source(name: str) -> Found:
    """What `path` of an `init_from` means. Raises SpecError, with the nearest run, when there is nothing."""
    path = _existing(Path(name).expanduser())
    if path.is_file():
        return _file(path)
    if (path / WEIGHTS).is_file() or (path / INDEX).is_file():
        return Found(path, "weights")
    if is_sweep(path):
        best = read_results(path, curves=False).best_trial
        if best is None:
            raise _refused(f"{path}: no trial of this sweep has finished")
        path = best.folder
    if (path / "config.json").is_file() and not (path / "spec.yaml").is_file():
        raise _refused(f"{path} has a config.json but no {WEIGHTS} beside it")
    if not (path / "spec.yaml").is_file():
        raise _refused(f"{path} is no run and holds no weights: it has no spec.yaml and no {WEIGHTS}{runs_in(path)}")
    return Found(path, "run")


def _existing(path: Path) -> Path:
    """The path itself, or the one run that is named so, here or in `runs`, or the trial whose id starts so."""
    if path.exists():
        return path
    places = [path] if path.is_absolute() or path.parent != Path() else [path, RUNS / path]
    for place in places:
        if place.exists():
            return place
        named = [run for run in runs_below(place.parent) if _HASH.sub("", run.name) == place.name]
        if len(named) > 1:
            names = ", ".join(str(run) for run in named[:5]) + (", ..." if len(named) > 5 else "")
            raise _refused(f"{len(named)} runs are named '{place.name}': {names}; say which one")
        if named:
            return named[0]
    try:
        trial = find(path, [])
    except ResultsError:
        raise _refused(f"there is no '{path}'.{_nearest(path)}") from None
    assert isinstance(trial, Trial)
    return trial.folder


def _nearest(path: Path) -> str:
    """The run, checkpoint or folder that was perhaps meant, as the end of a message."""
    folder = path.parent if path.parent != Path() else RUNS
    if not folder.is_dir():
        above = next((parent for parent in folder.parents if parent.is_dir()), Path())
        return f" There is no folder '{folder}' in '{above}' either."
    known = [_HASH.sub("", run.name) for run in runs_below(folder)]
    known += [entry.name for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    hint = did_you_mean(path.name, dict.fromkeys(known))
    return hint or f" In '{folder}' there are: {', '.join(dict.fromkeys(known[:8])) or 'no runs'}."


def _file(path: Path) -> Found:
    if path.suffix == ".safetensors":
        raise _refused(f"{path} is one of several files of weights: name its folder, '{path.parent}'")
    if path.suffix in (".yaml", ".yml", ".json"):
        raise _refused(f"{path} holds no weights: name the folder of the run that it belongs to")
    return Found(path, "checkpoint")


def _refused(message: str) -> SpecError:
    return SpecError([Problem("init_from", message)])
