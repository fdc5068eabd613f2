"""The command under torchrun and srun, and alone on two devices, ends with the same numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toy_trials import free_port

PROGRAM = [sys.executable, "-m", "experiments.cli.main", "run", "demo"]
OPTIONS = [
    "model.dim=32",
    "model.layers=1",
    "data.length=32",
    "data.batch_size=4",
    "trainer.max_steps=20",
    "trainer.devices=2",
    "trainer.strategy=ddp",
    "trainer.accelerator=cpu",
    "trainer.limit_val_batches=2",
    "trainer.limit_test_batches=2",
]


def alone(out: Path) -> list[subprocess.Popen[str]]:
    return [started([*PROGRAM, *OPTIONS, "--out", str(out)])]


def torchrun(out: Path) -> list[subprocess.Popen[str]]:
    starter = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--no-python"]
    return [started([*starter, *PROGRAM, *OPTIONS, "--out", str(out)])]


def srun(out: Path) -> list[subprocess.Popen[str]]:
    """What srun sets, without it."""
    job = {"SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS": "2"}
    where = {"SLURM_STEP_NODELIST": "localhost", "SLURM_NODEID": "0", "MASTER_PORT": str(free_port())}
    return [
        started(
            [*PROGRAM, *OPTIONS, "--out", str(out)],
            job | where | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)},
        )
        for rank in range(2)
    ]


def started(command: list[str], more: dict[str, str] | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **(more or {})}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


@pytest.mark.slow
def test_however_they_are_started(tmp_path: Path) -> None:
    summaries: dict[str, dict[str, Any]] = {}
    for start in (alone, torchrun, srun):
        out = tmp_path / start.__name__
        said = [(process.communicate(timeout=250), process.returncode) for process in start(out)]
        assert all(code == 0 for _, code in said), said
        assert sum(text.count("finished after 20 steps") for (text, _), _ in said) == 1
        (folder,) = out.iterdir()
        summaries[start.__name__] = json.loads((folder / "summary.json").read_text())
    for name in ("metrics", "best_metrics", "batches", "tokens", "steps"):
        assert len({json.dumps(summary[name]) for summary in summaries.values()}) == 1, name
