"""`diff`: what sets two trials or two sweeps apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sweep_folder import METRIC, finish, plan_of, write_json, write_sweep

from experiments.results.apart import ABSENT, Change, changes
from experiments.results.words import MISSING

Call = Callable[..., Result]


@pytest.fixture
def sweep(own_folder: Path) -> Path:
    return write_sweep(Path("runs/attention"), seeds=(0, 1, 2))


def test_two_trials_of_a_sweep(call: Call, sweep: Path) -> None:
    result = call("diff", f"{sweep}/t0", f"{sweep}/trials/t7")
    assert result.exit_code == 0
    assert result.output.splitlines()[:2] == [
        "A runs/attention/trials/t0 (full / rotary, seed 0)",
        "B runs/attention/trials/t7 (local / alibi, seed 1)",
    ]
    lines = [line.split() for line in result.output.splitlines()]
    assert ["model.attention", "full", "local"] in lines
    assert ["model.position", "rotary", "alibi"] in lines
    assert ["seed", "0", "1"] in lines
    assert ["environment:", "no", "difference"] in lines
    assert [METRIC, "2", "2.61", "+0.61"] in lines
    assert ["parameters", "1000", "900", "-100"] in lines
    assert "model.dim" not in result.output


def test_the_start_of_an_id_is_enough_if_it_is_one(call: Call, sweep: Path) -> None:
    result = call("diff", f"{sweep}/t1", f"{sweep}/t2")
    # t1 is an id of its own beside t10 and t11
    assert result.exit_code == 0 and "full / alibi, seed 0" in result.output
    plan = plan_of((0, 1, 2))
    plan["trials"][0]["id"] = "tx"
    plan["trials"][1]["id"] = "tyy"
    write_json(sweep / "plan.json", plan)
    assert "full / rotary, seed 0" in call("diff", f"{sweep}/tx", f"{sweep}/ty").output
    several = call("diff", f"{sweep}/t", f"{sweep}/t2")
    assert several.exit_code == 2 and several.stderr.count("\n") == 1
    assert several.stderr.startswith("12 trials of runs/attention start with 't': tx (full / rotary, seed 0), tyy ")
    assert "no trial of runs/attention starts with 'zz'" in call("diff", f"{sweep}/zz", f"{sweep}/t2").stderr


def test_two_runs(call: Call, sweep: Path) -> None:
    for name, trial in (("one", "t0"), ("two", "t1")):
        shutil.copytree(sweep / "trials" / trial, Path("runs") / name)
    write_json(Path("runs/two/provenance.json"), {"environment": {"torch": "2.14.0"}, "attempts": []})
    result = call("diff", "runs/one", "runs/two")
    lines = [line.split() for line in result.output.splitlines()]
    assert ["torch", "2.13.0", "2.14.0"] in lines and ["cores", "2", MISSING] in lines
    found = json.loads(call("diff", "runs/one", "runs/two", "--format", "json").output)
    assert found["kind"] == "trials"
    assert {"path": "model.position.kind", "a": "rotary", "b": "alibi"} not in found["settings"]
    assert {"path": "model.position", "a": {"kind": "rotary"}, "b": {"kind": "alibi"}} in found["settings"]
    assert {"path": "cores", "a": "2"} in found["environment"]
    assert {"name": METRIC, "a": 2.0, "b": 2.1, "difference": pytest.approx(0.1)} in found["metrics"]


def test_two_sweeps(call: Call, sweep: Path) -> None:
    plan = plan_of((0, 1, 2))
    other = write_sweep(Path("runs/again"), seeds=(0, 1, 2), done=0, environment={"torch": "2.14.0", "cores": 2})
    for trial in plan["trials"]:
        if "local / alibi" not in trial["variant"]:
            finish(other, trial, metrics={METRIC: 1.5 + 0.01 * trial["seed"]})
    home = other / "trials" / "t0" / "spec.yaml"
    home.write_text(home.read_text().replace("dim: 64", "dim: 128"))
    output = call("diff", sweep, other).output
    lines = [line.split() for line in output.splitlines()]
    assert ["model.dim", "64", "128"] in lines
    assert "(those of the trials as in full / rotary, seed 0)" in output
    assert ["torch", "2.13.0", "2.14.0"] in lines
    assert ["finished", "12", "9"] in lines
    between = ["1.4852", "to", "1.5348", "3"]
    assert ["full", "/", "rotary", "2.01", "1.9852", "to", "2.0348", "3", "1.51", *between, "-0.5"] in lines
    assert ["local", "/", "alibi", "2.61", "2.5852", "to", "2.6348", "3", MISSING, "0"] in lines
    found = json.loads(call("diff", sweep, other, "--format", "json").output)
    assert [row["variant"] for row in found["variants"]] == [variant["label"] for variant in plan["variants"]]
    assert found["variants"][0]["a"]["mean"] == pytest.approx(2.01) and found["variants"][3]["b"] is None


def test_how_two_sweeps_were_set_up(call: Call, sweep: Path) -> None:
    tuning = {"search": "grid", "metric": METRIC, "space": {"optimizer.lr": "0.1, 0.2"}, "tries": 2}
    overrides = [{"when": {"model.dim": "64"}, "set": {"optimizer.lr": "0.1"}, "variants": []}]
    other = write_sweep(Path("runs/again"), seeds=(0, 1, 2), scaling="model.dim", tuning=tuning, overrides=overrides)
    lines = [line.split() for line in call("diff", sweep, other).output.splitlines()]
    found = {words[0]: words[1:] for words in lines if words and words[0].startswith("sweep.")}
    assert found["sweep.scaling"] == ["null", "model.dim"]
    assert "optimizer.lr:" in " ".join(found["sweep.tuning"]) and "model.dim:" in " ".join(found["sweep.overrides"])


def test_a_thing_and_itself(call: Call, sweep: Path) -> None:
    for folder in (f"{sweep}/t0", sweep):
        output = call("diff", folder, folder).output
        assert output.count("no difference") >= 3


def test_what_does_not_compare(call: Call, sweep: Path) -> None:
    for a, b in ((sweep, f"{sweep}/t0"), (f"{sweep}/t0", sweep)):
        result = call("diff", a, b)
        words = "runs/attention is a sweep and the other is a trial; name a trial of it: runs/attention/ID\n"
        assert (result.exit_code, result.stderr) == (2, words)
    assert call("diff", "nowhere", sweep).stderr == "nowhere is not a folder\n"
    assert "holds no results" in call("diff", "runs", sweep).stderr


def test_broken_files_are_told(call: Call, sweep: Path) -> None:
    (sweep / "trials/t0/spec.yaml").write_text("a: [")
    (sweep / "trials/t1/provenance.json").write_text("{")
    result = call("diff", f"{sweep}/t0", f"{sweep}/t1")
    assert result.exit_code == 0 and "Traceback" not in result.output
    assert "trials/t0/spec.yaml" in result.stderr and "provenance.json cannot be read" in result.stderr
    assert "environment: one of them does not say" in result.stdout


def test_settings_that_differ() -> None:
    a = {"x": {"kind": "a", "p": 1, "q": 2}, "y": {"kind": "a", "p": 1}, "z": [1], "only": None, "same": {"k": 1}}
    b = {"x": {"kind": "a", "p": 1, "q": 3}, "y": {"kind": "b", "r": 1}, "z": [2], "same": {"k": 1}}
    assert changes(a, b) == [
        Change("x.q", 2, 3),
        Change("y", {"kind": "a", "p": 1}, {"kind": "b", "r": 1}),
        Change("z", [1], [2]),
        Change("only", None, ABSENT),
    ]
