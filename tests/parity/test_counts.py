"""Published sizes have the published number of parameters; counted on the meta device, where nothing is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import experiments
from registry.assembly import assemble_block
from registry.load import load
from registry.state import owned
from registry.yaml_reader import read_yaml

SPECS = Path(experiments.__file__).parent / "specs" / "published"
PUBLISHED: dict[str, dict[str, Any]] = read_yaml(Path(__file__).parent / "published.yaml").value
"""By spec: parameters (as the released weights have them), and source, where the number is from."""


@pytest.mark.parametrize("dtype", [torch.float32], indirect=True)
@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_published(name: str) -> None:
    loaded = load(SPECS / f"{name}.yaml")
    with torch.device("meta"):
        model = assemble_block(loaded.full["model"], loaded.catalog)
    found = sum(tensor.numel() for tensor in owned(model).values() if isinstance(tensor, torch.nn.Parameter))
    assert found == PUBLISHED[name]["parameters"]
    assert f"{found:,}" in (SPECS / f"{name}.yaml").read_text(encoding="utf-8"), "the spec says another number"


@pytest.mark.parametrize("dtype", [torch.float32], indirect=True)
def test_every_published_size_has_a_number_and_a_source() -> None:
    assert {path.stem for path in SPECS.glob("*.yaml")} == PUBLISHED.keys()
    assert all(entry.keys() == {"parameters", "source"} and entry["source"] for entry in PUBLISHED.values())
