"""Where a result comes from: what is kept, and what must not be."""

from __future__ import annotations

import getpass
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments import provenance
from experiments.provenance import environment, recorded
from experiments.results.origin import read_origin
from experiments.training.errors import Busy


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    environment.cache_clear()
    yield
    environment.cache_clear()


def kept(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "provenance.json").read_text())
    return found


def end(folder: Path, status: str) -> None:
    (folder / "state.json").write_text(json.dumps({"status": status}))


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "theirs"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "spec.yaml").write_text("a: 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    monkeypatch.chdir(folder)
    return folder


def test_an_attempt_from_its_start_to_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    with recorded(folder, 7, ()):
        (attempt,) = kept(folder)["attempts"]
        assert list(attempt) == ["started"]
        end(folder, "finished")
    found = kept(folder)
    (attempt,) = found["attempts"]
    assert (found["schema_version"], found["seed"], attempt["status"]) == (1, 7, "finished")
    assert attempt["started"] <= attempt["ended"] and attempt["seconds"] >= 0 and attempt["peak_memory_mb"] > 10
    assert attempt["started"].endswith("+00:00")
    assert found["environment"]["threads"] == 1
    for name in ("swapformer", "torch", "pytorch-lightning", "numpy", "python", "system", "cpu", "cores", "memory_gb"):
        assert found["environment"][name], name


def test_attempts_add_up(tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    with recorded(folder, 0):
        end(folder, "paused")
    with recorded(folder, 0):
        end(folder, "interrupted")
    end(folder, "running")
    with pytest.raises(RuntimeError), recorded(folder, 0):
        raise RuntimeError
    with recorded(folder, 0):
        end(folder, "finished")
    assert [attempt["status"] for attempt in kept(folder)["attempts"]] == [
        "paused",
        "interrupted",
        "failed",
        "finished",
    ]
    # going on after a pause is no new attempt
    origin = read_origin(folder, {}, [])
    assert origin.number == 3 and origin.wall_seconds is not None
    (folder / "summary.json").write_text("{}")
    before = kept(folder)
    with recorded(folder, 0):
        pass
    assert kept(folder) == before, "one that is done is left alone"


def test_an_attempt_that_is_killed_is_known(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom experiments.provenance import recorded\n"
        "with recorded(Path(sys.argv[1]), 0):\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "trial")], check=False)
    assert done.returncode == -signal.SIGKILL
    with recorded(tmp_path / "trial", 0):
        end(tmp_path / "trial", "finished")
    origin = read_origin(tmp_path / "trial", {}, [])
    assert origin.number == 2
    assert [attempt.ended == "" for attempt in origin.attempts] == [True, False]


def test_a_trial_that_another_process_trains_was_not_attempted(tmp_path: Path) -> None:
    with pytest.raises(Busy), recorded(tmp_path, 0):
        raise Busy("somebody is training here")
    assert kept(tmp_path)["attempts"] == []


def test_a_full_disk_at_the_end_takes_no_result_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with recorded(tmp_path, 0):
        monkeypatch.setattr(provenance, "write_json", full)
    assert "ended" not in kept(tmp_path)["attempts"][0]


def test_nothing_of_the_person_or_the_machine_is_kept(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_TOKEN", "hunter2hunter2")
    plugin = repository / "my_parts.py"
    plugin.write_text("x = 1\n")
    with recorded(tmp_path / "trial", 0, (str(plugin), "a_module")):
        pass
    text = (tmp_path / "trial" / "provenance.json").read_text()
    secrets = {"hunter2", "SECRET", str(Path.home()), str(tmp_path), str(repository), sys.prefix, "theirs"}
    user = getpass.getuser()
    assert not [secret for secret in secrets if secret in text]
    assert f"/{user}" not in text and f'"{user}"' not in text and f'"{socket.gethostname()}"' not in text
    assert kept(tmp_path / "trial")["environment"]["plugin my_parts.py"] == "9e26bf369911"
    assert kept(tmp_path / "trial")["environment"]["plugin a_module"] == "module"


def test_the_repository_that_one_works_in(repository: Path) -> None:
    found = environment()
    assert found["folder_git_commit"] == git(repository, "rev-parse", "HEAD") and not found["folder_git_dirty"]
    # results lie there untracked
    (repository / "runs").mkdir()
    (repository / "runs" / "new.txt").write_text("x")
    environment.cache_clear()
    assert not environment()["folder_git_dirty"]
    (repository / "spec.yaml").write_text("a: 2\n")
    environment.cache_clear()
    assert environment()["folder_git_dirty"]


def test_outside_of_repositories_and_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "folder_git_commit" not in environment()
    environment.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not [name for name in environment() if "git" in name]


def test_a_program_that_only_lies_in_a_repository_is_none_of_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one installed into an environment that the user keeps in his own repository."""
    installed = repository / ".venv" / "experiments"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    monkeypatch.setattr(provenance, "__file__", str(installed / "provenance.py"))
    found = environment()
    assert "git_commit" not in found and found["folder_git_commit"] == git(repository, "rev-parse", "HEAD")


def test_a_repository_cannot_have_a_program_run(repository: Path) -> None:
    monitor = repository / "monitor.sh"
    monitor.write_text(f"#!/bin/sh\ntouch {repository}/ran\n")
    monitor.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(monitor))
    environment()
    assert not (repository / "ran").exists()


@pytest.mark.parametrize("broken", ["{", "[]", '{"attempts": 3}', '{"attempts": [1, {"seconds": "x"}]}', "\ud800"])
def test_a_broken_file_is_started_anew(tmp_path: Path, broken: str) -> None:
    (tmp_path / "provenance.json").write_bytes(broken.encode("utf-8", "surrogatepass"))
    problems: list[str] = []
    read_origin(tmp_path, {}, problems)
    with recorded(tmp_path, 0):
        end(tmp_path, "finished")
    assert read_origin(tmp_path, {}, []).attempts[-1].status == "finished"
    assert os.listdir(tmp_path) and kept(tmp_path)["seed"] == 0
