"""Specs that ship, by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from registry import SpecError, assemble
from registry.compose import compose
from registry.load import load
from registry.shipped import about, meant, name_of, shipped, spec_file


def test_names_are_those_of_the_files() -> None:
    assert shipped()["demo"].name == "demo.yaml"
    assert shipped()["gpt2-1.5b"].parent.name == "published"
    assert shipped()["tiny/gpt2"].parent.name == "tiny"
    assert [name_of(name) for name in ("published/gpt2-1.5b.yaml", "gpt2-1.5b", "demo.yml")] == [
        "gpt2-1.5b",
        "gpt2-1.5b",
        "demo",
    ]


def test_a_spec_builds_on_one_that_ships_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    spec = tmp_path / "far" / "mine.yaml"
    spec.write_text("base: [gpt2-124m]\nmodel: {layers: 2}\n")
    full = load(spec).full
    assert (full["model"]["layers"], full["model"]["dim"], full["model"]["vocab"]) == (2, 768, 50257)
    assert compose({"base": "bert-large"}).value["model"]["head"] == compose("bert-base").value["model"]["head"]


def test_a_file_of_ones_own_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert spec_file("demo") == str(shipped()["demo"])
    (tmp_path / "demo").write_text("name: own\n")
    assert spec_file("demo") == "demo"
    assert compose({"base": ["demo"]}).value == {"name": "own"}


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("gpt2-124", "spec.yaml:1:8: base: {0}/gpt2-124: no such file. Did you mean 'gpt2-124m'?"),
        ("bert", "spec.yaml:1:8: base: {0}/bert: no such file. Did you mean 'bert-base' or 'bert-large'?"),
        (
            "published/bert-base.yaml",
            "spec.yaml:1:8: base: {0}/published/bert-base.yaml: no such file. Did you mean 'bert-base', which ships?",
        ),
        # who writes an ending means a file beside the spec
        ("demmo.yaml", "spec.yaml:1:8: base: {0}/demmo.yaml: no such file. Did you mean 'spec.yaml'?"),
        ("specc.yaml", "spec.yaml:1:8: base: {0}/specc.yaml: no such file. Did you mean 'spec.yaml'?"),
    ],
)
def test_a_base_that_is_not_there(base: str, says: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"base: [{base}]\n")
    with pytest.raises(SpecError) as caught:
        compose(spec)
    assert str(caught.value) == f"{tmp_path}/" + says.format(tmp_path)


def test_models_are_assembled_by_name() -> None:
    with torch.device("meta"):
        model = assemble("gpt2-124m")
    assert sum(p.numel() for p in model.parameters()) == 124439808
    with pytest.raises(SpecError, match=r"gtp2-124m: no such file. Did you mean 'gpt2-124m'\?"):
        assemble("gtp2-124m")
    assert meant("nothing-alike") == ""


def test_each_says_what_it_is(tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text("# A model (Ng et al. 2020,\n# section 4.5). More of it.\nname: x\n# not this\n")
    assert about(spec) == "A model (Ng et al. 2020, section 4.5)."
    spec.write_text("# yaml-language-server: $schema=x\nname: x\n")
    assert about(spec) == ""
    assert all(map(about, shipped().values()))
