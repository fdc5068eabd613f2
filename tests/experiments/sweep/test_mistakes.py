"""What a `sweep:` block can get wrong: told in words, with the place, all together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.sweep.plan import make_plan
from registry.errors import SpecError
from registry.load import load

BASE: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
    "data": "text",
    "task": "causal_lm",
    "trainer": {"max_steps": 2},
}
DIM = {"model.dim": [16, 32]}
NORM = {"model.norm": ["layer", "rms"]}
RATE = {"optimizer.lr": [1e-3, 1e-2]}


def problems(spec: dict[str, Any] | str | Path) -> list[str]:
    """The lines that a spec is refused with, without the place that they all have."""
    with pytest.raises(SpecError) as caught:
        make_plan(load(spec))
    return [line.removeprefix("<dict>:1:1: ") for line in str(caught.value).splitlines()]


AXES = [
    ({"axes": {}}, "sweep.axes: names no axis"),
    ({"axes": {"model.atention": ["full"]}}, "hits no setting of the spec. Did you mean 'model.attention'?"),
    ({"axes": {"model.attention": []}}, "sweep.axes.model.attention: has no values"),
    ({"axes": {"model.dim": {"values": []}}}, "sweep.axes.model.dim.values: has no values"),
    ({"axes": {"model.dim": [8, 8]}}, "sweep.axes.model.dim: names a value twice"),
    ({"axes": {"model.norm": ["rms", {"kind": "rms"}]}}, "names a value twice"),
    ({"axes": {"seed": [1, 2]}}, "cannot be varied: use sweep.seeds"),
    ({"axes": {"metric.name": ["a"]}}, "cannot be varied: variants are compared by one metric"),
    ({"axes": {"model.dim": {"values": [16, 32], "labels": ["a"]}}}, "labels: there are 1 labels for 2 values"),
    ({"axes": {"model.dim": {"values": [16, 32], "labels": ["a", "a"]}}}, "labels.1: 'a' is the label of two values"),
    ({"axes": {"model.dim": {"values": [16], "labels": [" "]}}}, "labels.0: a label is a word or more"),
    ({"axes": {"model.attention": ["full", "ful"]}}, "unknown attention 'ful'"),
    ({"axes": {"model.dim": [15]}}, "no combination can be trained: dim (15) must be a multiple"),
    ({"axes": {"data.train": ["1", 1]}}, "sweep.axes.data.train.1: '1' would be the label of two values"),
    ({"axes": DIM, "variants": {"same": {"model.dim": 32}}}, "variants.same: [32] and [same] are the same in every"),
    ({"axes": {"about": ["a", "b"]}}, "sweep.axes: [a] and [b] are the same in every setting"),
]
CONDITIONS = [
    ({"axes": {"model.dim": {"values": [16], "when": {}}}}, "model.dim.when: names no condition"),
    (
        {"axes": {"model.dim": {"values": [16], "when": {"model.nrm": "rms"}}}},
        "when.model.nrm: is no axis and no setting of a trial. Did you mean 'model.norm'?",
    ),
    (
        {"axes": {**NORM, "model.dim": {"values": [16], "when": {"model.norm": "rsm"}}}},
        "layer, rms. Did you mean 'rms'?",
    ),
    (
        {"axes": {**NORM, "model.dim": {"values": [16], "when": {"model.norm": ["rms", "x"]}}}},
        "when.model.norm.1: is none of the axis' values: layer, rms",
    ),
    ({"axes": {**NORM, "model.dim": {"values": [16], "when": {"model.norm": []}}}}, "when.model.norm: names no value"),
    (
        {"axes": {"model.dim": {"values": [16], "when": {"model.dim": 16}}}},
        "the conditions of model.dim lead in a circle",
    ),
    ({"axes": DIM, "exclude": [{}]}, "sweep.exclude.0: names no axis, so it would leave out everything"),
    ({"axes": DIM, "exclude": [{"model.dims": 16}]}, "exclude.0.model.dims: is no axis. Did you mean 'model.dim'?"),
    ({"axes": DIM, "exclude": [{"model.dim": 64}]}, "exclude.0.model.dim: is none of the axis' values: 16, 32"),
    ({"axes": DIM, "exclude": [{"model.dim": [16, 32]}]}, "no combination can be trained: excluded by the spec"),
]
GROUPS = [
    ({"zip": [{}]}, "sweep.zip.0: names no setting"),
    ({"zip": [{"model.dim": [], "model.heads": []}]}, "sweep.zip.0.model.dim: has no values"),
    (
        {"zip": [{"model.dim": [16, 32], "model.heads": [2]}]},
        "sweep.zip.0.model.heads: lists that are zipped need equally many values: model.heads has 1, model.dim has 2",
    ),
    ({"zip": [{"model.dim": [16, 16], "model.heads": [2, 2]}]}, "sweep.zip.0: names the same values twice"),
    ({"axes": DIM, "zip": [DIM]}, "zip.0.model.dim: is varied twice: sweep.axes.model.dim is the same setting"),
    ({"random": {"settings": {}, "draws": 1}}, "sweep.random.settings: names no setting"),
    ({"random": {"settings": {"model.head_s": [1]}, "draws": 1}}, "Did you mean 'model.heads'?"),
    (
        {"random": {"settings": {"model.dim": [16, 32]}, "draws": 3}},
        "draws: asks for 3, but there are only 2 different",
    ),
    (
        {"random": {"settings": {"model.dim": {"integers": [8, 9]}, "model.heads": [1, 2]}, "draws": 5}},
        "asks for 5, but there are only 4 different ones",
    ),
    ({"random": {"settings": {"optimizer.lr": {}}, "draws": 1}}, "is empty; a distribution is one of uniform"),
    (
        {"random": {"settings": {"optimizer.lr": {"uniform": [0, 1], "log_uniform": [1, 2]}}, "draws": 1}},
        "has uniform and log_uniform; a distribution is one of",
    ),
    ({"random": {"settings": {"optimizer.lr": {"uniform": [2, 1]}}, "draws": 1}}, "lr.uniform: goes from 2 to 1; the"),
    (
        {"random": {"settings": {"optimizer.lr": {"uniform": [2]}}, "draws": 1}},
        "expects two numbers, [from, to], not 1",
    ),
    ({"random": {"settings": {"optimizer.lr": {"log_uniform": [0, 1]}}, "draws": 1}}, "which has no logarithm"),
    ({"axes": RATE, "random": {"settings": RATE, "draws": 1}}, "settings.optimizer.lr: is varied twice: sweep.axes"),
    ({"variants": {}}, "sweep.variants: names no variant"),
    ({"variants": {"a": {"model.dmi": 1}}}, "sweep.variants.a.model.dmi: hits no setting of the spec."),
    (
        {"axes": DIM, "variants": {"32": {"model.heads": 4}}},
        "variants.32: is the label of a combination of the axes, too",
    ),
    ({"variants": {" ": {}}}, "a name is a word or more"),
]
OVERRIDES = [
    ({"axes": DIM, "overrides": [{"when": {}, "set": {"optimizer.lr": 1}}]}, "overrides.0.when: names no condition"),
    ({"axes": DIM, "overrides": [{"when": {"model.dim": 16}, "set": {}}]}, "overrides.0.set: sets nothing"),
    (
        {"axes": DIM, "overrides": [{"when": {"model.dim": 16}, "set": {"model.head_s": 1}}]},
        "Did you mean 'model.heads'?",
    ),
    (
        {"axes": DIM, "overrides": [{"when": {"model.dim": 16}, "set": {"model.dim": 32, "model.heads": 4}}]},
        "overrides.0.set: makes [32] the label of two variants; exclude one of them",
    ),
    (
        {"axes": DIM, "overrides": [{"when": {"model.dmi": 16}, "set": {}}]},
        "is no axis and no setting of a trial. Did you mean",
    ),
    (
        {"axes": DIM, "overrides": [{"when": {"model.dim": 8}, "set": {"optimizer.lr": 1}}]},
        "is none of the axis' values: 16, 32",
    ),
    (
        {"axes": DIM, "overrides": [{"when": {"model.dim": 16, "model.norm": "rms"}, "set": {"optimizer.lr": 1}}]},
        "overrides.0.when: matches no variant: none has model.norm = rms",
    ),
    (
        {
            "axes": {"model.attention": ["full", "performer"], "model.position": ["alibi", "rotary"]},
            "overrides": [
                {"when": {"model.attention": "performer", "model.position": "alibi"}, "set": {"model.norm": "rms"}}
            ],
        },
        "matches no variant: [performer / alibi] cannot be trained",
    ),
    (
        {
            "variants": {"a": {}, "b": {"model.dim": 32}},
            "overrides": [{"when": {"model.dim": 64}, "set": {"model.heads": 4}}],
        },
        "matches no variant: none has model.dim = 64",
    ),
]
BASELINES = [
    ({"axes": DIM, "baseline": {"model.heads": 2}}, "sweep.baseline.model.heads: is no axis"),
    ({"axes": DIM, "baseline": {"model.dim": 64}}, "sweep.baseline.model.dim: is none of the axis' values: 16, 32"),
    (
        {"axes": {**DIM, **NORM}, "baseline": {"model.dim": 16}},
        "must say a value for every axis; model.norm is missing",
    ),
    ({"axes": {**DIM, **NORM}, "baseline": {}}, "model.dim is missing"),
    ({"axes": DIM, "baseline": {"model.dim": [16, 32]}}, "fits 2 variants, [16], [32]: say which"),
    (
        {"axes": DIM, "zip": [{**RATE, "model.heads": [2, 4]}], "baseline": {"model.dim": 16}},
        "optimizer.lr or model.heads is m",
    ),
    ({"axes": {"model.dim": [16, 15]}, "baseline": {"model.dim": 15}}, "is left out of the sweep: dim (15) must be"),
    (
        {"axes": DIM, "exclude": [{"model.dim": 16}], "baseline": {"model.dim": 16}},
        "is left out of the sweep: excluded by",
    ),
    (
        {"axes": DIM, "variants": {"plain": {}}, "baseline": "plane"},
        "'plane' is none of `variants`: plain. Did you mean",
    ),
    (
        {"axes": DIM, "baseline": "16"},
        "none of `variants`: there are none. A combination of axes is named as {path: value",
    ),
    ({"variants": {"plain": {}}, "baseline": {"model.dim": 16}}, "is no axis. Name one of `variants`: plain."),
    (
        {
            "axes": {**NORM, "optimizer.lr": {"values": [0.1, 0.2], "when": {"model.norm": "rms"}}},
            "baseline": {"model.norm": "layer", "optimizer.lr": 0.1},
        },
        "is no combination of the sweep: an axis that it names does not apply",
    ),
]
REST = [
    ({"axes": DIM, "seeds": []}, "sweep.seeds: names no seed"),
    ({"axes": DIM, "seeds": {"at_least": 1}}, "sweep.seeds.at_least: must be at least 2"),
    ({"axes": DIM, "seeds": {"at_least": 20}}, "sweep.seeds.at_least: at_least (20) is more than at_most (12)"),
    ({"axes": DIM, "seeds": {"at_most": 2}}, "sweep.seeds.at_most: at_least (3) is more than at_most (2)"),
    ({"axes": DIM, "tuning": {"tries": 2}}, "sweep.tuning: there is nothing to tune"),
    ({"axes": DIM, "tune": {}}, "sweep.tune: names no setting"),
    (
        {"axes": DIM, "tune": {"model.dim": [8]}},
        "tune.model.dim: is varied twice: sweep.axes.model.dim is the same setting",
    ),
    ({"axes": DIM, "tune": {"model.head_s": [8]}}, "sweep.tune.model.head_s: hits no setting"),
    ({"axes": DIM, "tune": {"optimizer.lr": []}}, "sweep.tune.optimizer.lr: has no values"),
    ({"axes": DIM, "tune": {"optimizer.lr": [0.1, "x"]}}, "sweep.tune.optimizer.lr: expects a number > 0, not 'x'"),
    (
        {"axes": DIM, "tune": {"model.heads": [3, 5]}},
        "sweep.tune: [16] goes together with none of these settings: dim (16)",
    ),
    ({"variants": {"a": {"optimizer.lr": 1}}, "tune": RATE}, "is set by sweep.variants.a.optimizer.lr too"),
    (
        {"axes": DIM, "overrides": [{"when": {"model.dim": 16}, "set": {"optimizer.lr": 1}}], "tune": RATE},
        "sweep.tune.optimizer.lr: is set by sweep.overrides.0.set.optimizer.lr too",
    ),
    (
        {"axes": DIM, "tune": {"optimizer.lr": {"uniform": [1, 2]}}},
        "tuning.search: grid tries every value of a list, but",
    ),
    (
        {"axes": DIM, "tune": RATE, "tuning": {"tries": 2}},
        "tuning.tries: grid tries all 2 combinations; leave `tries` out",
    ),
    ({"axes": DIM, "tune": RATE, "tuning": {"search": "random"}}, "sweep.tuning: random needs `tries`"),
    ({"axes": DIM, "tune": RATE, "tuning": {"search": "tpe"}}, "sweep.tuning: tpe needs `tries`"),
    (
        {"axes": DIM, "tune": RATE, "tuning": {"search": "random", "tries": 3}},
        "asks for 3, but there are only 2 different",
    ),
    (
        {"axes": DIM, "tune": RATE, "tuning": {"search": "tpe", "tries": 3, "halving": 2}},
        "halving: does not go with tpe",
    ),
    ({"axes": DIM, "tune": RATE, "tuning": {"halving": 1}}, "sweep.tuning.halving: must be at least 2"),
    ({"axes": DIM, "tune": RATE, "seeds": [5, 1000]}, "first_seed: seed 1000 is one of the comparison too"),
    (
        {"axes": DIM, "tune": RATE, "tuning": {"first_seed": 11}, "seeds": "auto"},
        "seed 11 is one of the comparison too",
    ),
    ({"axes": DIM, "scaling": "model.dims"}, "sweep.scaling: is no axis. Did you mean 'model.dim'?"),
    ({"axes": NORM, "scaling": "model.norm"}, "sweep.scaling: is an axis of more than numbers (layer)"),
    (
        {"axes": DIM, "budget": {"hold": "parameters", "by": "model.dim"}},
        "by: model.dim is varied by sweep.axes.model.dim",
    ),
    ({"axes": DIM, "budget": {"hold": "parameters", "by": "width"}}, "by: model.dim is varied by sweep.axes.model.dim"),
    (
        {"axes": NORM, "budget": {"hold": "parameters", "by": "widht"}},
        "sweep.budget.by: widht hits no setting. Did you mean 'width'?",
    ),
    (
        {"axes": NORM, "budget": {"hold": "parameters", "by": "width", "tolerance": "0%"}},
        "more than 0% and at most 100%",
    ),
]


@pytest.mark.parametrize(("sweep", "words"), [*AXES, *CONDITIONS, *GROUPS, *OVERRIDES, *BASELINES, *REST])
def test_a_sweep_that_makes_no_sense_is_refused(sweep: dict[str, Any], words: str) -> None:
    assert words in "\n".join(problems({**BASE, "sweep": sweep}))


def test_tuning_needs_a_metric_of_the_validation_data() -> None:
    spec = {**BASE, "metric": {"name": "train/loss"}, "sweep": {"axes": DIM, "tune": RATE}}
    [problem] = problems(spec)
    assert problem.startswith("metric.name: task 'causal_lm' has no metric 'train/loss'; it has valid/loss, ")


def test_a_spec_without_a_sweep_has_no_plan() -> None:
    assert problems(BASE) == ["sweep: the spec has no `sweep:`; `run` trains a single spec"]


SPEC = """\
model: {topology: decoder, dim: 16, layers: 1, heads: 2}
sweep:
  axes:
    model.nrm: [layer]
    model.heads: {values: [2, 4], labels: [few]}
  zip:
    - {model.dim: [16, 32], optimizer.lr: [1e-3]}
  random: {settings: {trainer.max_steps: {integers: [9, 3]}}, draws: 2}
  seeds: {at_least: 1}
  tune: {model.dim: [8]}
  tuning: {halving: 1}
  scaling: model.head
"""


def test_all_mistakes_of_the_block_are_told_together_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    lines = [line.removeprefix(str(tmp_path / "spec.yaml:")) for line in problems(tmp_path / "spec.yaml")]
    assert [line.split(": ")[:2] for line in lines] == [
        ["4:5", "sweep.axes.model.nrm"],
        ["5:43", "sweep.axes.model.heads.labels"],
        ["7:43", "sweep.zip.0.optimizer.lr"],
        ["8:53", "sweep.random.settings.trainer.max_steps.integers"],
        ["9:21", "sweep.seeds.at_least"],
        ["10:10", "sweep.tune.model.dim"],
        ["11:21", "sweep.tuning.halving"],
        ["12:12", "sweep.scaling"],
    ]


VALUES = """\
model: {topology: decoder, dim: 16, layers: 1, heads: 2}
sweep:
  axes:
    model.norm: [layer, rmss]
    model.attention:
      values: [full, {kind: full, windw: 8}]
  variants:
    wide: {model.dim: wide}
  overrides:
    - {when: {model.norm: layer}, set: {optimizer.lr: -1}}
  baseline: {model.norm: layer}
"""


def test_wrong_values_are_told_once_where_they_stand_with_the_variants_they_are_in(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(VALUES)
    lines = [line.removeprefix(str(tmp_path / "spec.yaml:")) for line in problems(tmp_path / "spec.yaml")]
    places = [line.split(": ")[:2] for line in lines]
    assert places == [
        ["4:25", "model.norm.kind"],
        ["6:22", "model.attention.windw"],
        ["8:23", "model.dim"],
        ["10:55", "optimizer.lr"],
        ["11:13", "sweep.baseline"],
    ]
    assert "Did you mean 'rms'? (variants [rmss / full], [rmss / full windw=8])" in lines[0]
    assert lines[2].endswith("(variants [wide])")


def test_paths_of_the_command_line_reach_into_the_block() -> None:
    spec = {**BASE, "sweep": {"axes": DIM, "variants": {"a": {"model.heads": 4}}}}
    found = make_plan(
        load(
            spec,
            [
                "sweep.axes.optimizer.lr={values: [0.1], labels: [fast]}",
                "sweep.axes.optimizer.lr.labels=[quick]",
                "sweep.variants.a.model.dim=64",
                "sweep.variants.b.model.dim=8",
                "sweep.exclude=[{model.dim: 32}]",
                "sweep.exclude.0.optimizer.lr=0.1",
            ],
        )
    )
    assert [v.label for v in found.variants] == ["16 / quick", "a", "b"]
    assert dict(found.variants[1].settings) == {"model.heads": 4, "model.dim": 64}
