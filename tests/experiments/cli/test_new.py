"""`new`: templates that work as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from blocks.contract import run_contract
from registry.index import import_file

Call = Callable[..., Result]


def test_the_spec_is_right_and_can_be_swept(call: Call) -> None:
    result = call("new", "spec", "my-first")
    assert result.output == "wrote my-first.yaml; next: swapformer check my-first.yaml\n"
    checked = call("check", "my-first.yaml")
    assert checked.exit_code == 0, checked.output
    assert "sweep: 15 trials, 5 variants x 3 seeds" in checked.output
    assert "1 combination left out" in checked.output


def test_the_spec_teaches(call: Call) -> None:
    call("new", "spec")
    text = Path("experiment.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=swapformer.schema.json\n")
    assert "@" not in text
    assert "swapformer run experiment.yaml" in text
    assert text.count("#") > 15


def test_what_the_spec_comments_out_works_too(call: Call) -> None:
    call("new", "spec")
    text = Path("experiment.yaml").read_text()
    block = "  # attention: {kind: longformer, window: 64}"
    assert block in text
    changed = text.replace("  attention: full ", "  # attention: full ").replace(block, block.replace("# ", ""))
    Path("experiment.yaml").write_text(changed)
    assert ": longformer, rotary" in call("check", "experiment.yaml").output


@pytest.mark.parametrize(
    ("base", "task"),
    [("gpt2-124m", "causal_lm"), ("bert-base", "classification"), ("t5-small", "translation"), ("vit-b16", None)],
)
def test_a_spec_on_a_published_one_is_right(base: str, task: str | None, call: Call) -> None:
    result = call("new", "spec", "mine", "--base", base)
    assert result.output == "wrote mine.yaml; next: swapformer check mine.yaml\n"
    text = Path("mine.yaml").read_text()
    assert "@" not in text
    assert f"base: [{base}]" in text
    output = call("check", "mine.yaml").output
    assert "mine.yaml: ok\n" in output
    assert (f"task {task}, 400 steps" in output) == (task is not None)
    assert ("vocab: null" in text) == (task is not None)


def test_a_spec_on_one_with_data_leaves_them_alone(call: Call) -> None:
    call("new", "spec", "mine", "--base", "demo")
    assert "data:" not in Path("mine.yaml").read_text()
    assert "data text, task causal_lm, 500 steps" in call("check", "mine.yaml").output


def test_a_spec_on_what_does_not_ship(call: Call) -> None:
    result = call("new", "spec", "mine", "--base", "gpt2")
    assert result.exit_code == 2
    assert "no spec 'gpt2' ships. Did you mean 'gpt2-1.5b' or 'gpt2-124m'" in result.stderr
    assert not Path("mine.yaml").exists()


def test_the_part_is_listed_shown_and_checked(call: Call) -> None:
    assert call("new", "part", "fading").exit_code == 0
    assert "@KIND@" not in Path("fading.py").read_text()
    use = ("--plugin", "fading.py")
    assert "fading" in call("list", "attention", *use).output
    shown = call("show", "fading", *use).output
    assert "Averages the visible values" in shown
    assert "decay" in shown
    assert "weights" in shown
    result = call("check", "demo", "model.attention={kind: fading, decay: 1}", "model.position=none", "sweep=", *use)
    assert result.exit_code == 0, result.output
    result = call("check", "demo", "model.attention=fading", "model.position=none", "sweep=", "--build", *use)
    assert result.exit_code == 0, result.output


def test_the_part_passes_the_contract(call: Call) -> None:
    call("new", "part", "fading_two")
    import_file(Path("fading_two.py"))
    findings = run_contract("attention", "fading_two")
    assert len(findings) > 10
    assert [f"{finding.check}: {finding.problem}" for finding in findings if not finding.ok] == []


def test_nothing_is_written_over(call: Call) -> None:
    for arguments in (("spec", "mine"), ("part", "mine")):
        file = Path("mine.yaml" if arguments[0] == "spec" else "mine.py")
        file.write_text("precious")
        result = call("new", *arguments)
        assert result.exit_code == 2
        assert "--force" in result.stderr
        assert file.read_text() == "precious"
        assert call("new", *arguments, "--force").exit_code == 0
        assert file.read_text() != "precious"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["spec", "../out"], "cannot be a name"),
        (["spec", "x", "-o", "far/x.yaml"], "there is no folder far"),
        (["spec", "x", "-o", "."], "is a folder"),
        (["part", "Full-Attention"], "cannot be a kind"),
        (["part", "full"], "is taken"),
        (["part", "mine", "-o", "not-a-module.py"], "cannot be imported"),
        (["prt"], "No such command"),
    ],
)
def test_names_that_cannot_be(arguments: list[str], says: str, call: Call, own_folder: Path) -> None:
    result = call("new", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert list(own_folder.iterdir()) == []
