"""`check`: what a good spec is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from experiments.cli.specs import find_spec, shipped

Call = Callable[..., Result]

MODEL = "model: {topology: decoder, dim: 16, layers: 2, heads: 2}\n"


@pytest.mark.parametrize("name", shipped())
def test_every_spec_that_ships_is_right(name: str, call: Call) -> None:
    result = call("check", name)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{name}: ok\n")


def test_it_says_what_the_spec_describes(call: Call) -> None:
    Path("spec.yaml").write_text(MODEL + "data: text\ntask: causal_lm\ntrainer: {max_steps: 70}\n")
    assert call("check", "spec.yaml", "model.norm=rms").output.splitlines() == [
        "spec.yaml: ok",
        "  decoder, dim 16, layers 2: full, rotary, rms, pre, mlp",
        "  data text, task causal_lm, 70 steps",
    ]


def test_it_tells_the_plan_of_a_sweep(call: Call) -> None:
    axes = "{model.attention: [full, linear], model.position: [rotary, alibi]}"
    more = "overrides: [{when: {model.attention: linear}, set: {optimizer.lr: 0.01}}], "
    more += "baseline: {model.attention: full, model.position: alibi}, "
    more += "tune: {schedule.warmup: {integers: [1, 9]}}, tuning: {search: tpe, tries: 4}"
    Path("spec.yaml").write_text(MODEL + f"sweep: {{axes: {axes}, {more}}}\n")
    lines = call("check", "spec.yaml").output.splitlines()
    assert lines[2:9] == [
        "  sweep: 9 trials, 3 variants x 3 seeds, after 12 tries",
        "    model.attention: full, linear",
        "    model.position: rotary, alibi",
        "    baseline: [full / alibi]",
        "    where model.attention = linear: optimizer.lr = 0.01 (1 variant)",
        "  tuned before: 4 tries (tpe) for each variant, the best by valid/loss",
        "    schedule.warmup: 1 to 9, whole numbers",
    ]
    assert lines[9] == "  1 combination left out"
    assert lines[10].startswith("    [linear / alibi]: attention 'linear' cannot work with position 'alibi'")
    seeds = "sweep.seeds={at_least: 2, at_most: 6}"
    assert "  sweep: at least 6 trials, 3 variants x 2 to 6 seeds, as many as it takes, after 12 tries" in (
        call("check", "spec.yaml", seeds).output.splitlines()
    )


def test_it_tells_how_a_budget_is_met(call: Call) -> None:
    attention = "[full, {kind: full, kv_heads: 1}]"
    budget = "{hold: parameters, by: model.feedforward.hidden, tolerance: 5%}"
    sweep = (
        f"sweep: {{axes: {{model.attention: {attention}}}, budget: {budget}, baseline: {{model.attention: full}}}}\n"
    )
    Path("spec.yaml").write_text(MODEL + "data: text\ntask: causal_lm\ntrainer: {max_steps: 7}\n" + sweep)
    hint = "  held equal: parameters, by model.feedforward.hidden; `--build` solves for it in each variant"
    assert hint in call("check", "spec.yaml").output.splitlines()
    lines = call("check", "spec.yaml", "--build").stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if "held equal" in line)
    assert "parameters, by model.feedforward.hidden, to within 5%" in lines[start]
    assert lines[start + 1] == "    [full] 64, exact"
    assert lines[start + 2].startswith("    [full kv_heads=1] 7") and lines[start + 2].endswith("%")


def test_patterns_of_layers_are_named(call: Call) -> None:
    types = "layer_types: {near: {attention: {kind: full, window: 4}}, far: {}}"
    spec = "model: {topology: decoder, dim: 16, heads: 2, layers: {count: 4, pattern: [near, far]}, " + types + "}\n"
    Path("spec.yaml").write_text(spec)
    assert "layers 4 of [near, far]" in call("check", "spec.yaml").output
    Path("spec.yaml").write_text(spec.replace("{count: 4, pattern: [near, far]}", "[near, far]"))
    assert "layers [near, far]" in call("check", "spec.yaml").output


def test_each_kind_that_the_layers_have_is_named(call: Call) -> None:
    assert ": full, rotary / none, rms, sandwich, swiglu" in call("check", "hybrid").output
    assert ": full, sinusoidal / learned, layer, pre, mlp" in call("check", "whisper-tiny").output
    own = ("check", "translate", "model.encoder.layers=[a, b]", "model.layer_types={a: {norm: rms}, b: {}}")
    assert "layers [a, b] / 2: full, sinusoidal, rms / layer, post, mlp" in call(*own).output


def test_a_folder_with_a_spec_is_a_spec(call: Call) -> None:
    Path("imported").mkdir()
    Path("imported/spec.yaml").write_text(MODEL)
    assert call("check", "imported").output.startswith("imported: ok\n")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("model.layers=[near, fra]", "model.layers.1: 'fra' is none of layer_types: near, far. Did you mean 'far'?"),
        ("model.layers={count: 4, pattern: [far, x]}", "model.layers.pattern.1: 'x' is none of layer_types"),
        ("model.layers=[]", "model.layers: names none of layer_types: the list is empty"),
    ],
)
def test_layers_of_unknown_types_are_mistakes(change: str, says: str, call: Call) -> None:
    types = "layer_types: {near: {norm: rms}, far: {}}"
    Path("spec.yaml").write_text("model: {topology: decoder, dim: 16, heads: 2, layers: [near, far], " + types + "}\n")
    assert call("check", "spec.yaml").exit_code == 0
    result = call("check", "spec.yaml", change)
    assert result.exit_code == 2
    assert says in result.stderr
    result = call("check", "translate", "model.encoder.layers=[near]")
    assert "model.encoder.layers.0: 'near' is not in layer_types, which is empty" in result.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("metric.name=valid/acuracy", "metric.name: task 'causal_lm' has no metric 'valid/acuracy'; it has valid/loss"),
        ("metric.name=valid/acuracy", "Did you mean 'valid/accuracy'?"),
        ("metric.name=test/loss", "has no metric 'test/loss'"),
        ("early_stopping={metric: valid/acuracy}", "early_stopping.metric: task 'causal_lm' has no metric"),
        ("early_stopping={metric: valid/accuracy}", ""),
        ("metric.name=valid/bits_per_byte", ""),
    ],
)
def test_metrics_that_the_task_does_not_have_are_mistakes(change: str, says: str, call: Call) -> None:
    Path("spec.yaml").write_text(MODEL + "data: text\ntask: causal_lm\n")
    result = call("check", "spec.yaml", change)
    assert result.exit_code == (2 if says else 0)
    assert says in result.stderr


def test_metrics_may_have_names_of_the_data(call: Call) -> None:
    spec = ("check", "recipes/t5-text-to-text", "init_from=null")
    assert call(*spec, "metric.name=valid/translate_chrf").exit_code == 0
    assert "has no metric 'valid/translate_wer'" in call(*spec, "metric.name=valid/translate_wer").stderr


def test_a_task_of_one_s_own_need_not_say_what_it_measures(call: Call) -> None:
    Path("own.py").write_text(
        "from experiments.tasks import CausalLM\nfrom registry import part\n\n\n"
        "@part('task', 'silent')\nclass Silent(CausalLM):\n    metrics = ()\n"
    )
    Path("spec.yaml").write_text(MODEL + "data: text\ntask: silent\nmetric: {name: valid/whatever}\n")
    assert call("check", "spec.yaml", "--plugin", "own.py").exit_code == 0
    result = call("check", "spec.yaml", "--plugin", "own.py", "metric.name=train/loss")
    assert "metric.name: 'train/loss' is not measured on the validation data" in result.stderr


LEAKS = "{kind: performer, stabiliser: look_ahead}"


def test_a_model_that_sees_later_tokens_is_told_of(call: Call) -> None:
    says = (
        "note: model.attention: attention 'performer' with stabiliser: look_ahead lets later tokens reach earlier ones"
    )
    Path("spec.yaml").write_text(MODEL)
    result = call("check", "spec.yaml", f"model.attention={LEAKS}")
    assert result.exit_code == 0
    assert says in result.stderr
    assert result.stderr.count("note:") == 1
    assert call("check", "spec.yaml", "model.attention=performer").stderr == ""
    # nothing is hidden from the tokens of an encoder
    assert call("check", "classify", f"model.attention={LEAKS}").stderr == ""


def test_variants_that_see_later_tokens_are_named(call: Call) -> None:
    Path("spec.yaml").write_text(MODEL + f"sweep: {{axes: {{model.attention: [full, performer, {LEAKS}]}}}}\n")
    lines = call("check", "spec.yaml").output.splitlines()
    assert lines[-1].startswith("  note on [performer stabiliser=look_ahead]: model.attention: attention 'performer' ")


def test_a_changed_kind_says_what_it_dropped(call: Call) -> None:
    Path("spec.yaml").write_text(MODEL + "schedule: {kind: warmup_cosine, floor: 0.2}\n")
    result = call("check", "spec.yaml", "schedule.kind=constant")
    assert result.exit_code == 0
    assert "note: " in result.stderr
    assert "floor" in result.stderr


def test_numbers_like_1e_4_are_numbers(call: Call) -> None:
    Path("spec.yaml").write_text(MODEL + "optimizer: {kind: adamw, lr: 1e-4}\n")
    assert call("check", "spec.yaml", "optimizer.eps=1e-9").exit_code == 0


def test_a_file_of_ones_own_comes_before_one_that_ships(call: Call) -> None:
    assert find_spec("demo") == shipped()["demo"] == find_spec("demo.yaml")
    Path("demo.yaml").write_text(MODEL)
    assert find_spec("demo.yaml") == Path("demo.yaml")
    assert "dim 16" in call("check", "demo.yaml").output


def test_a_trusted_plugin_runs(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text(
        "from blocks.norm import Norm\nfrom registry import part\n\n"
        '@part("norm", "trusted")\nclass Trusted(Norm):\n    "Mine."\n\n'
        "    def __init__(self, dim: int) -> None:\n        super().__init__()\n"
    )
    Path("spec.yaml").write_text(MODEL + "plugins: [mine.py]\n")
    assert call("check", "spec.yaml", "model.norm=trusted").exit_code == 2
    assert call("check", "spec.yaml", "model.norm=trusted", "--trust").exit_code == 0
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    settings = tmp_path / "config" / "swapformer" / "swapformer.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'trusted_plugins = ["{Path("mine.py").resolve()}"]\n')
    assert call("check", "spec.yaml", "model.norm=trusted").exit_code == 0


@pytest.mark.parametrize("name", ["classify", "hybrid", "translate", "demo"])
def test_build_runs_the_model_without_computing(name: str, call: Call) -> None:
    result = call("check", name, "--build")
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{name}: ok, builds and runs\n")


def test_build_needs_no_data(call: Call) -> None:
    Path("spec.yaml").write_text(MODEL.replace("heads: 2", "heads: 2, head: {kind: classification}"))
    assert call("check", "spec.yaml", "--build").exit_code == 0


def test_build_finds_what_no_declaration_says(call: Call) -> None:
    Path("mine.py").write_text(
        "from torch import nn\nfrom blocks.norm import Norm\nfrom registry import part\n\n"
        '@part("norm", "wrong_width")\nclass Wrong(Norm):\n    "Mine."\n\n'
        "    def __init__(self, dim: int) -> None:\n"
        "        super().__init__()\n        self.inner = nn.Linear(dim + 1, dim)\n\n"
        "    def forward(self, x):\n        return self.inner(x)\n"
    )
    Path("spec.yaml").write_text(MODEL)
    arguments = ("check", "spec.yaml", "model.norm=wrong_width", "--plugin", "mine.py")
    assert call(*arguments).exit_code == 0
    result = call(*arguments, "--build")
    assert result.exit_code == 2
    assert result.stderr.startswith("model: a forward pass over 1 tokens failed: ")
    assert len(result.stderr.splitlines()) == 1


def test_build_names_the_variant_that_fails(call: Call) -> None:
    # rotary turns pairs, and a width of 18 leaves 6 heads of 3 each
    Path("spec.yaml").write_text(MODEL.replace("dim: 16", "dim: 18") + "sweep: {axes: {model.heads: [3, 6]}}\n")
    result = call("check", "spec.yaml", "--build")
    assert result.exit_code == 2
    assert "turns pairs" in result.stderr
    assert "(variants [6])" in result.stderr


def test_build_sees_sizes_that_only_the_data_know(call: Call) -> None:
    result = call("check", "demo", "model.vocab=10", "--build")
    assert result.exit_code == 2
    assert "model.vocab: is 10, but the data have 256 different tokens" in result.stderr


def test_a_data_file_that_is_not_there_is_a_mistake(call: Call) -> None:
    Path("spec.yaml").write_text(MODEL + "data: {kind: text, train: gone.txt}\n")
    result = call("check", "spec.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith("spec.yaml:2:27: data.train: there is no such file (looked for ")
    Path("gone.txt").write_text("here\n")
    assert call("check", "spec.yaml").exit_code == 0
