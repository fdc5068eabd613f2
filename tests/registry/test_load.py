"""Specs from file to full form: defaults, checks, plug-ins and trust, and the model that comes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from registry import SpecError, assemble
from registry.assembly import assemble_block, dry_run
from registry.load import Incompatible, load
from registry.yaml_writer import dump_yaml

MODEL: dict[str, Any] = {"topology": "decoder", "dim": 16, "layers": 2, "heads": 2, "vocab": 30}


def problems(spec: dict[str, Any]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(spec)
    return [f"{p.path}: {p.message}" for p in caught.value.problems]


def test_every_default_is_filled_in_and_the_full_form_is_its_own() -> None:
    full = load({"model": MODEL | {"attention": "longformer"}}).full
    assert full["model"]["attention"]["window"] == 512
    assert full["model"]["norm"] == {"kind": "layer", "eps": 1e-5, "bias": True, "weight": "plain"}
    assert full["trainer"]["accumulate_grad_batches"] == 1
    assert load(full).full == full


def test_the_saved_full_form_builds_the_same_model(tmp_path: Path) -> None:
    types = {"a": {}, "b": {"norm": "rms"}}
    attention = {"kind": "full", "qk_norm": "rms"}
    loaded = load({"model": MODEL | {"attention": attention, "layers": ["a", "b"], "layer_types": types}})
    path = tmp_path / "full.yaml"
    path.write_text(dump_yaml(loaded.full))
    tokens = torch.arange(12).reshape(2, 6)
    models = []
    for block, catalog in ((loaded.full["model"], loaded.catalog), (load(path).full["model"], loaded.catalog)):
        torch.manual_seed(0)
        models.append(assemble_block(block, catalog))
    assert torch.equal(models[0](tokens), models[1](tokens))


def test_all_problems_are_told_at_once() -> None:
    blocks = {"attention": {"kind": "ful"}, "norm": {"kind": "rms", "epss": 1.0}}
    wrong = MODEL | {"dim": -1, **blocks, "layrs": 3, "dropout": "0.1"}
    found = "\n".join(problems({"model": wrong}))
    for words in (
        "model.dim: expects a whole number >= 1, not -1",
        "unknown attention 'ful'; kinds: bigbird, full, linear, longformer, performer, transformer_xl. "
        "Did you mean 'full'?",
        "norm 'rms' has no option 'epss'. Did you mean 'eps'?",
        "has no option 'layrs'. Did you mean 'layers'?",
        "Text is not a number: leave out the quotes.",
    ):
        assert words in found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"attention": "performer", "position": "alibi"},
            "attention 'performer' cannot work with position 'alibi' (it needs the score matrix: bias)",
        ),
        ({"dim": 15, "heads": 2}, "dim (15) must be a multiple of heads (2)"),
        (
            {"attention": "linear", "prefix": True},
            "attention 'linear' cannot work with topology 'decoder' (the prefix is visible",
        ),
        (
            {"attention": {"kind": "full", "kv_heads": 2}, "heads": 3, "dim": 15},
            "heads (3) must be a multiple of kv_heads (2)",
        ),
        (
            {"layer_types": {"x": {"position": "t5"}}, "layers": ["x"], "attention": "linear"},
            "cannot work with position 't5'",
        ),
    ],
)
def test_parts_that_do_not_go_together(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Incompatible) as caught:
        load({"model": MODEL | change})
    assert words in str(caught.value)


def test_the_message_says_what_would_work() -> None:
    (found,) = problems({"model": MODEL | {"attention": "performer", "position": "alibi"}})
    assert "attention that works with position 'alibi': bigbird, full, longformer, transformer_xl" in found
    assert (
        "position that works with attention 'performer': every_layer, learned, learned_2d, none, rotary, several, "
        "sinusoidal, sinusoidal_2d, temperature" in found
    )


def test_task_head_and_data_must_fit() -> None:
    found = "\n".join(problems({"model": MODEL, "task": "classification", "data": "text"}))
    assert "head 'lm' cannot work with task 'classification'" in found
    assert "data 'text' cannot work with task 'classification'" in found


def test_a_preset_says_what_it_fixes() -> None:
    (found,) = problems({"model": MODEL | {"placement": {"kind": "pre", "out_norm": True}}})
    assert "placement 'pre' fixes 'out_norm' as False" in found


def test_plug_ins_of_a_spec_run_only_when_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loud.py").write_text("raise RuntimeError('it ran')")
    spec = tmp_path / "spec.yaml"
    spec.write_text(dump_yaml({"model": MODEL, "plugins": ["loud.py"]}))
    with pytest.raises(SpecError, match="add --trust"):
        load(spec)
    with pytest.raises(SpecError, match="it ran"):
        load(spec, trust=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "swapformer.toml").write_text(f'trusted_plugins = ["{tmp_path / "loud.py"}"]')
    with pytest.raises(SpecError, match="add --trust"):
        load(spec)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    settings = tmp_path / "mine" / "swapformer" / "swapformer.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text((tmp_path / "swapformer.toml").read_text())
    with pytest.raises(SpecError, match="it ran"):
        load(spec)
    settings.write_text("trusted_plugins = 3")
    with pytest.raises(SpecError, match="must be a list"):
        load(spec)


def test_assemble_takes_files_dicts_and_bare_blocks(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(dump_yaml({"model": MODEL}))
    tokens = torch.zeros(1, 4, dtype=torch.long)
    for spec in (path, str(path), {"model": MODEL}, MODEL):
        assert assemble(spec)(tokens).shape == (1, 4, 30)
    open_vocab = {k: v for k, v in MODEL.items() if k != "vocab"}
    assert assemble(open_vocab, vocab=7)(tokens).shape == (1, 4, 7)
    with pytest.raises(SpecError, match=r"set model\.vocab"):
        assemble(open_vocab)
    with pytest.raises(SpecError, match="has no `model:`"):
        assemble({"data": "text"})


def test_a_dry_run_finds_what_only_building_shows() -> None:
    loaded = load({"model": MODEL | {"dim": 18, "heads": 6}})
    with pytest.raises(SpecError, match="turns pairs: 3 of the 3"):
        dry_run(loaded.full["model"], loaded.catalog)
    assert next(dry_run(load({"model": MODEL}).full["model"], loaded.catalog).parameters()).is_meta


def test_options_without_a_kind_are_those_of_the_default() -> None:
    full = load({"model": MODEL, "optimizer": {"lr": 0.5}}).full
    assert full["optimizer"] == load({"model": MODEL, "optimizer": {"kind": "adamw", "lr": 0.5}}).full["optimizer"]


def test_a_topology_may_be_named_by_kind_or_by_a_bare_word() -> None:
    options = {k: v for k, v in MODEL.items() if k != "topology"}
    named = load({"model": {"kind": "decoder", **options}}).full["model"]
    assert named == load({"model": MODEL}).full["model"]
    assert load({"model": "decoder"}, [f"model.{k}={v}" for k, v in options.items()]).full["model"] == named


def test_an_option_in_the_wrong_block_is_told_its_own() -> None:
    (found,) = problems({"model": MODEL, "dim": 8})
    assert "Did you mean 'model.dim'?" in found
    (found,) = problems({"model": MODEL | {"window": 8}})
    assert "Did you mean 'attention.window'?" in found
