"""The group: help without imports, errors without tracebacks."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from experiments.cli import main
from experiments.cli.main import GROUPS, cli

Call = Callable[..., Result]

COMMANDS = [name for commands in GROUPS.values() for name in commands]

HEAVY = ("torch", "pytorch_lightning", "plotly", "scipy", "pandas")
WATCH = f"""
import sys
from experiments.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    heavy = [name for name in {HEAVY} if name in sys.modules]
    commands = [name.rpartition(".")[2] for name in sys.modules if name.startswith("experiments.cli.commands.")]
    print("HEAVY", *heavy, file=sys.stderr)
    print("COMMANDS", *commands, file=sys.stderr)
    raise
"""


def separately(*arguments: str) -> tuple[int, list[str], list[str]]:
    """A command in a process of its own: exit code, heavy modules that were imported, modules of commands too."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *arguments], capture_output=True, text=True, env=os.environ.copy()
    )
    heavy, commands = (line.split()[1:] for line in done.stderr.splitlines()[-2:])
    return done.returncode, heavy, commands


def test_what_is_missing_for_training_is_told_at_once(call: Call) -> None:
    assert call("list").exit_code == 0
    code, heavy, _ = separately("run", "gpt2-124m")
    assert (code, heavy) == (2, [])


def test_a_warning_is_a_note(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(main.cli, "main", lambda **_: warnings.warn("mind the gap", stacklevel=1))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        main.main([])
    assert capsys.readouterr().err == "note: mind the gap\n"


@pytest.fixture
def described(call: Call) -> None:
    """The index of parts, made before: what makes it must import them."""
    assert call("list").exit_code == 0


@pytest.mark.usefixtures("described")
@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["list", "attention", "--json"],
        ["show", "longformer"],
        ["matrix"],
        ["schema"],
        ["check", "demo"],
        ["check", "classify", "model.dim=64"],
        ["new", "spec"],
    ],
    ids=" ".join,
)
def test_reading_and_checking_import_nothing_heavy(arguments: list[str]) -> None:
    code, heavy, commands = separately(*arguments)
    assert code == 0
    assert heavy == []
    assert commands == arguments[:1]


def test_help_imports_no_command() -> None:
    assert separately("--help") == (0, [], [])


def test_help_of_a_command_imports_that_command_alone() -> None:
    assert separately("describe", "--help") == (0, [], ["describe"])


def test_reading_results_imports_neither_torch_nor_lightning(call: Call) -> None:
    trial = Path("run")
    trial.mkdir()
    (trial / "metrics.csv").write_text("step,epoch,seconds,name,value\n1,0,0.5,valid/loss,2.5\n")
    code, heavy, _ = separately("report", "run")
    assert code == 0
    assert not {"torch", "pytorch_lightning"} & set(heavy)


def test_help_names_every_command(call: Call) -> None:
    output = call("--help").output
    assert "Traceback" not in output
    for title, commands in GROUPS.items():
        assert title in output
        for name, words in commands.items():
            assert f"  {name} " in output
            assert words in " ".join(output.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_a_first_line(name: str, call: Call) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5
    assert result.output == call(name, "-h").output


def test_lines_fit_eighty_columns(call: Call) -> None:
    for arguments in ([], *([name] for name in COMMANDS)):
        result = CliRunner().invoke(cli, [*arguments, "--help"], terminal_width=80)
        assert max(map(len, result.output.splitlines())) <= 80


def test_version(call: Call) -> None:
    from importlib.metadata import version

    assert call("--version").output == f"swapformer {version('swapformer')}\n"


def test_an_unknown_command_has_a_nearest_one(call: Call) -> None:
    result = call("swep", "x.yaml")
    assert result.exit_code == 2
    assert "Did you mean 'sweep'?" in result.stderr
    assert "Commands: list, show" in call("zzz").stderr


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], Result]:
    """Calls a command that raises."""

    def run(error: BaseException, *arguments: str) -> Result:
        @click.command("list")
        def command() -> None:
            raise error

        monkeypatch.setattr("experiments.cli.commands.list.command", command)
        return CliRunner().invoke(cli, [*arguments, "list"])

    return run


def test_what_nobody_expected_is_one_line_and_a_way_on(failing: Callable[..., Result]) -> None:
    result = failing(RuntimeError("boom\nin two lines"))
    assert result.exit_code == 1
    assert (
        result.stderr
        == "unexpected error: RuntimeError: boom in two lines\nrun with --debug to see where it comes from\n"
    )


def test_debug_lets_it_through(failing: Callable[..., Result]) -> None:
    assert isinstance(failing(RuntimeError("boom"), "--debug").exception, RuntimeError)


def test_interrupts_exit_with_130(failing: Callable[..., Result]) -> None:
    result = failing(KeyboardInterrupt())
    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_a_file_that_cannot_be_written(failing: Callable[..., Result]) -> None:
    result = failing(PermissionError(13, "Permission denied", "out.json"))
    assert (result.exit_code, result.stderr) == (1, "out.json: Permission denied\n")


def test_errors_that_speak_to_the_user_have_their_own_codes(failing: Callable[..., Result]) -> None:
    from experiments.data.errors import BadData
    from experiments.results import ResultsError
    from experiments.training.errors import Busy, CannotResume

    for error, code in (
        (BadData("x.txt", "too short"), 2),
        (ResultsError("no results"), 2),
        (CannotResume("another spec"), 2),
        (Busy("in use"), 4),
    ):
        result = failing(error)
        assert (result.exit_code, result.stderr) == (code, f"{error}\n")


def test_the_names_of_expected_errors_exist() -> None:
    import importlib

    for name in main.EXPECTED:
        module, _, error = name.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), error), Exception)
