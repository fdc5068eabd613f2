"""Sweeps over what a training starts from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from fine_tuning import Swapformer, fine_spec, run_of

from experiments.sweep.plan import make_plan
from experiments.sweep.trials import Trial, Trials
from registry.errors import SpecError
from registry.load import load

BYTES = fine_spec(None)["data"] | {"tokenizer": "bytes"}


def trials_of(sweep: dict[str, Any], init_from: Any = None, **more: Any) -> list[Trial]:
    loaded = load(fine_spec(init_from, sweep={"seeds": 1} | sweep, **more))
    trials = Trials(loaded, make_plan(loaded))
    return [trials.make(variant, 0) for variant in trials.plan.variants]


def test_an_axis_from_nothing_to_a_run(swapformer: Swapformer) -> None:
    swapformer("check", fine_spec(None, data=BYTES, sweep={"axes": {"init_from": [None, "runs/plain"]}}))
    nothing, run = trials_of({"axes": {"init_from": [None, "runs/plain"]}}, data=BYTES)
    assert nothing.spec["init_from"] is None
    assert run.spec["init_from"]["path"] == "runs/plain" and len(run.spec["init_from"]["content"]) == 16
    assert (nothing.variant.label, run.variant.label) == ("nothing (null)", "runs/plain")


def test_variants_set_what_is_loaded_and_kept(swapformer: Swapformer) -> None:
    """With nothing but the tokenizer taken over, training from scratch is compared on the same tokens."""
    variants = {
        "pre-trained": {},
        "frozen": {"init_from.freeze": ["decoder"]},
        "embedding alone": {"init_from.only": ["embedding"]},
        "scratch": {"init_from.only": []},
    }
    made = trials_of({"variants": variants, "baseline": "scratch"}, {"path": "runs/lm"})
    assert len({trial.id for trial in made}) == 4
    assert {trial.spec["data"]["tokenizer"]["kind"] for trial in made} == {"file"}
    assert len({trial.spec["model"]["vocab"] for trial in made}) == 1
    assert len({trial.spec["init_from"]["content"] for trial in made}) == 1


def test_a_sweep_is_shown_and_trained(swapformer: Swapformer) -> None:
    sweep = {"variants": {"with": {}, "without": {"init_from.only": []}}, "seeds": 1, "workers": 1}
    spec = fine_spec({"path": "runs/lm"}, sweep=sweep)
    output = swapformer("sweep", spec, "--dry-run", name="shown").output
    assert "with" in output and "without" in output and not Path("runs/shown").exists()


@pytest.mark.slow
def test_workers_start_from_it(swapformer: Swapformer) -> None:
    sweep = {"variants": {"with": {}, "without": {"init_from.only": []}}, "seeds": 1, "workers": 2}
    swapformer("sweep", fine_spec({"path": "runs/lm"}, sweep=sweep), name="trained")
    found = [path.read_text() for path in Path("runs/trained/trials").glob("*/init_from.json")]
    assert sorted('"loaded": []' in text for text in found) == [False, True]
    # nothing is trained again, though the plan is made anew
    swapformer("sweep", fine_spec({"path": "runs/lm"}, sweep=sweep), name="trained")


def test_mistakes_are_told_with_their_variants(swapformer: Swapformer) -> None:
    sweep = {"axes": {"init_from": [None, "runs/lmm"]}, "seeds": 1}
    output = swapformer("check", fine_spec(None, sweep=sweep), code=2).output
    assert "there is no 'runs/lmm'. Did you mean 'lm'?" in output and "[runs/lmm]" in output


def test_copies_of_the_same_weights_are_one_variant(swapformer: Swapformer) -> None:
    shutil.copytree(run_of("plain"), "runs/copy", dirs_exist_ok=True)
    with pytest.raises(SpecError, match="start from the same weights, and are the same in every setting"):
        trials_of({"axes": {"init_from": ["runs/plain", "runs/copy"]}}, data=BYTES)
