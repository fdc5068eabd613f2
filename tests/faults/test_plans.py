"""Sweeps whose spec, folder or trials are not what they were, or never could be trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from processes import tiny

from experiments.cli.main import cli


def sweep(spec: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["sweep", str(spec), "--out", str(spec.parent), *words])


def plan(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    return found


def results(folder: Path) -> dict[str, int]:
    """When each trial's result was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("trials/*/summary.json")}


SHORT = {"max_steps": 2, "val_check_interval": 2}


@pytest.mark.slow
@pytest.mark.fault(
    "F19",
    "some combinations of a sweep cannot work",
    "ten variants, of which one is refused",
    "the plan says which and by which rule; the others are trained and ranked, with a line about what is missing",
)
def test_impossible_combinations(tmp_path: Path) -> None:
    axes = {
        "model.attention": ["full", "performer"],
        "model.position": ["rotary", "alibi", "learned", "sinusoidal", "none"],
    }
    spec = tiny(tmp_path, trainer=SHORT, sweep={"axes": axes})
    planned = sweep(spec, "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert "1 combination left out" in planned.output and "it needs the score matrix" in " ".join(
        planned.output.split()
    )
    assert not (tmp_path / "tiny").exists()
    done = sweep(spec)
    assert done.exit_code == 0, done.output
    assert "9 of 9 trials done" in done.output and "1 combination left out: see the report" in done.output
    assert "it needs the score matrix" in (tmp_path / "tiny/report.html").read_text()


@pytest.mark.slow
@pytest.mark.fault(
    "F20",
    "the spec was changed since the sweep began",
    "other steps; fewer values of an axis; then more values and seeds",
    "changes and dropped trials are listed, old and new, and refused with exit code 2 unless --accept-changes; old "
    "results stay in the folder; what is merely added is trained, with a note",
)
def test_a_changed_spec(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    assert sweep(tiny(tmp_path, trainer=SHORT)).exit_code == 0
    before = results(folder)
    refused = sweep(tiny(tmp_path, trainer={**SHORT, "max_steps": 4}))
    assert refused.exit_code == 2, refused.output
    words = " ".join(refused.output.split())
    assert "trainer.max_steps: was changed since this sweep began: 2 -> 4" in words
    assert "full, seed 0; performer, seed 0 would be trained anew; go on with --accept-changes" in words
    fewer = sweep(tiny(tmp_path, trainer=SHORT, sweep={"axes": {"model.attention": ["full"]}}))
    assert fewer.exit_code == 2 and "performer, seed 0 would not be part of it any more" in fewer.output
    assert 'sweep.axes.model.attention: was changed since this sweep began: without ["performer"]' in fewer.output
    assert results(folder) == before
    more = {"axes": {"model.attention": ["full", "performer", "linear"]}, "seeds": 2}
    added = sweep(tiny(tmp_path, trainer=SHORT, sweep=more))
    assert added.exit_code == 0 and "note: 4 trials more than before" in " ".join(added.output.split())
    assert before.items() <= results(folder).items() and len(results(folder)) == 6
    before = results(folder)
    accepted = sweep(tiny(tmp_path, trainer={**SHORT, "max_steps": 4}), "--accept-changes")
    assert accepted.exit_code == 0, accepted.output
    assert before.items() <= results(folder).items() and len(results(folder)) == 8
    assert len(plan(folder)["trials"]) == 2 and not before.keys() & {entry["id"] for entry in plan(folder)["trials"]}


@pytest.mark.slow
@pytest.mark.fault(
    "F20",
    "files of finished trials are lost or damaged by hand",
    "one trial's folder deleted, another's summary.json cut in half",
    "a note names them; the first is trained again, the second goes on from its checkpoint; numbers are the same",
)
def test_lost_results(tmp_path: Path) -> None:
    spec, folder = tiny(tmp_path), tmp_path / "tiny"
    assert sweep(spec).exit_code == 0
    first, second = sorted(folder.glob("trials/*"))
    before = [json.loads((trial / "summary.json").read_text())["metrics"] for trial in (first, second)]
    shutil.rmtree(first)
    whole = (second / "summary.json").read_bytes()
    (second / "summary.json").write_bytes(whole[: len(whole) // 2])
    again = sweep(spec)
    assert again.exit_code == 0, again.output
    words = " ".join(again.output.split())
    assert "note: 2 trials had ended, but the folder no longer says how" in words
    assert "continuing from step 4" in words
    assert [json.loads((trial / "summary.json").read_text())["metrics"] for trial in (first, second)] == before


PLUGIN = """
import torch
from blocks.norm import Norm
from registry import part


class Bend(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient * torch.inf


@part("norm", "fragile")
class Fragile(Norm):
    '''Breaks in training.

    at: which training step. where: what is not finite.
    '''

    def __init__(self, dim: int, *, at: int = 1, where: str = "forward") -> None:
        super().__init__()
        self.at, self.where = at, where
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        if x.is_meta:
            return x
        self.calls += self.training
        if self.where == "valid":
            return x if self.training else x * torch.nan
        if not self.training or self.calls < self.at:
            return x
        if self.where == "error":
            raise RuntimeError("broken on purpose")
        return Bend.apply(x) if self.where == "backward" else x * torch.nan
"""


@pytest.mark.slow
@pytest.mark.fault(
    "F9",
    "numbers are no longer finite",
    "NaN from step 3 on; an infinite gradient at step 3; NaN in validation alone",
    "each is diverged, with the step; none is tried again; they are no part of any mean, but of the table; the sweep "
    "exits with 3; --retry-failed trains them once more and keeps what they came to before",
)
def test_diverging(tmp_path: Path) -> None:
    (tmp_path / "fragile.py").write_text(PLUGIN)
    norms: list[Any] = ["layer", *({"kind": "fragile", "at": 3, "where": w} for w in ("forward", "backward", "valid"))]
    spec = tiny(tmp_path, sweep={"axes": {"model.norm": norms}, "limits": {"retries": 3}})
    words = ("--plugin", str(tmp_path / "fragile.py"))
    done = sweep(spec, *words)
    assert done.exit_code == 3, done.output
    folder = tmp_path / "tiny"
    found = [
        json.loads((folder / "trials" / entry["id"] / "summary.json").read_text()) for entry in plan(folder)["trials"]
    ]
    assert [one["status"] for one in found] == ["finished", *["diverged"] * 3]
    assert [one["steps"] for one in found[1:]] == [3, 4, 2]
    assert "4 of 4 trials done, 3 of them without a result" in done.output
    before = results(folder)
    again = sweep(spec, *words)
    assert again.exit_code == 3 and "nothing to train" in again.output and results(folder) == before
    retried = sweep(spec, *words, "--retry-failed")
    assert retried.exit_code == 3 and "3 trials that came to nothing before will be trained again" in retried.output
    aside = {
        path.parent.name: json.loads(path.read_text())["status"] for path in folder.glob("trials/*/summary.1.json")
    }
    assert list(aside.values()) == ["diverged"] * 3
