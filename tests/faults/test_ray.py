"""A sweep on a Ray cluster of two nodes, one of which is lost."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.yaml_writer import dump_yaml

SPEC: dict[str, Any] = {
    "base": ["lm"],
    "name": "tiny",
    "model": {"dim": 16, "layers": 1, "heads": 2},
    "trainer": {"max_steps": 600, "val_check_interval": 50, "limit_val_batches": 2},
    "sweep": {"axes": {"model.attention": ["full", "performer"]}, "baseline": {"model.attention": "full"}, "seeds": 2},
}


class Cluster:
    """Two nodes on this machine, each with one CPU, as processes of this test."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
        self.nodes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        port = self.address.rpartition(":")[2]
        self._node("--head", f"--port={port}", "--include-dashboard=false")
        self._wait(lambda: self._alive() == 1)
        self._node(f"--address={self.address}")
        self._wait(lambda: self._alive() == 2)

    def lose_second(self) -> None:
        """Kill the whole second node, as a machine that goes dark would."""
        _kill_all(self.nodes[1])

    def close(self) -> None:
        for node in self.nodes:
            _kill_all(node)

    def _node(self, *options: str) -> None:
        command = [str(Path(sys.executable).parent / "ray"), "start", "--num-cpus=1", "--block", *options]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.nodes.append(subprocess.Popen(command, env=self.environment, start_new_session=True, **quiet))

    def _alive(self) -> int:
        ask = (
            "import ray, sys; ray.init(sys.argv[1], logging_level='ERROR'); print(sum(n['Alive'] for n in ray.nodes()))"
        )
        command = [sys.executable, "-W", "ignore", "-c", ask, self.address]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)
        return int(done.stdout.split()[-1]) if done.returncode == 0 else 0

    def _wait(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + 180
        while not until():
            assert time.monotonic() < end, "the cluster does not come up"
            assert all(node.poll() is None for node in self.nodes), "a node has ended"
            time.sleep(1)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    found = Cluster()
    try:
        found.start()
        yield found
    finally:
        found.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.fault(
    "F21",
    "a machine of a cluster is lost",
    "SIGKILL of every process of one of two Ray nodes while both train",
    "its trial goes on from its last checkpoint on the other node; every trial ends once, with the numbers of a sweep "
    "on one machine",
)
def test_a_lost_node_loses_no_result(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(dump_yaml(SPEC))
    sweep = [sys.executable, "-m", "experiments.cli.main", "sweep", "tiny.yaml"]
    on_cluster = [*sweep, "--engine", "ray", "--address", cluster.address, "--out", "ray"]
    text: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(on_cluster, cwd=tmp_path, env=cluster.environment, **text) as process:
        trials = tmp_path / "ray" / "tiny" / "trials"
        end = time.monotonic() + 240
        while sum(1 for _ in trials.glob("*/checkpoints/last.ckpt")) < 2:
            assert process.poll() is None and time.monotonic() < end, process.communicate()[0]
            time.sleep(0.1)
        cluster.lose_second()
        output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    assert "its node was lost" in output
    alone = subprocess.run([*sweep, "--out", "local"], cwd=tmp_path, check=False, **text)
    assert alone.returncode == 0, alone.stdout
    found, expected = (metrics(tmp_path / out / "tiny") for out in ("ray", "local"))
    assert found == expected and len(found) == 4


def metrics(folder: Path) -> dict[str, Any]:
    return {p.parent.name: json.loads(p.read_text())["metrics"] for p in folder.glob("trials/*/summary.json")}


def _kill_all(leader: subprocess.Popen[bytes]) -> None:
    """Every process of a session, whatever group it is in."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ProcessLookupError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader.pid:
                os.kill(int(path.parent.name), signal.SIGKILL)
    leader.wait()
