"""What the tests of the command line share: a way to call it, and one index of parts for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from experiments.cli.main import cli

Call = Callable[..., Result]


@pytest.fixture(scope="session")
def parts_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


@pytest.fixture(autouse=True)
def own_cache(parts_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of a cache for each test: to describe all parts again and again would take most of the time."""
    monkeypatch.setenv("SWAPFORMER_CACHE", str(parts_index))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test stands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call() -> Call:
    """Call a command in this process: `call("check", "spec.yaml").output`."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments])

    return run
