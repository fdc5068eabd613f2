"""A part outside the packages is listed, checked and trained without an edit anywhere; its contract runs beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments.cli.main import cli

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize(
    "words",
    [
        ["list", "attention", "--plugin", "cosine.py"],
        ["show", "cosine", "--plugin", "cosine.py"],
        ["check", "cosine.yaml", "--trust", "--build"],
        ["run", "cosine.yaml", "trainer.max_steps=3", "--plugin", "cosine.py"],
    ],
    ids=lambda words: words[0],
)
def test_a_part_of_ones_own(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ("cosine.py", "cosine.yaml"):
        (tmp_path / file).write_bytes((EXAMPLES / file).read_bytes())
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert "cosine" in result.output


def test_a_spec_cannot_run_its_plug_in_by_itself() -> None:
    result = CliRunner().invoke(cli, ["check", str(EXAMPLES / "cosine.yaml")])
    assert result.exit_code == 2 and "--trust" in result.output
