"""What an import brings with it, and what it does not."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("from blocks.attention import Longformer", ("pytorch_lightning", "yaml", "pydantic", "click")),
        (
            "import blocks, blocks.topology, blocks.generation, blocks.contract, blocks.conversion, blocks.tap",
            ("pytorch_lightning", "yaml", "pytest", "safetensors"),
        ),
        ("import registry, registry.load, registry.json_schema", ("torch", "blocks", "experiments")),
        ("import experiments.cli.main, experiments.results, experiments.report", ("torch", "blocks")),
    ],
)
def test_an_import_stays_light(code: str, absent: tuple[str, ...]) -> None:
    check = f"{code}\nimport sys\nprint([m for m in {absent!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
