"""`python -m benchmarks.engine`: what running many short trials costs beyond their training."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from experiments.provenance import cores
from registry.yaml_writer import dump_yaml


def spec(trials: int, steps: int, workers: int) -> dict[str, Any]:
    """A sweep of so many short trials of a small model."""
    return {
        "name": "engine",
        "model": {"topology": "decoder", "dim": 64, "layers": 2, "heads": 4, "position": "rotary"},
        "data": {"kind": "text", "length": 64, "batch_size": 16},
        "task": "causal_lm",
        "trainer": {"max_steps": steps, "val_check_interval": steps, "limit_val_batches": 1},
        "sweep": {"axes": {"model.attention": ["full", "linear"]}, "seeds": trials // 2, "workers": workers},
    }


def measure(trials: int, steps: int, workers: int) -> dict[str, float]:
    """Run the sweep: seconds of the whole command, of all training together, and of that shared by the workers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "engine.yaml"
        path.write_text(dump_yaml(spec(trials, steps, workers)), encoding="utf-8")
        command = [sys.executable, "-m", "experiments.cli.main", "sweep", str(path), "--out", folder]
        began = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        total = time.monotonic() - began
        summaries = [json.loads(p.read_bytes()) for p in Path(folder).glob("engine/trials/*/summary.json")]
    assert len(summaries) == trials, "not all trials finished"
    training = sum(summary["train_seconds"] for summary in summaries)
    return {"total": total, "training": training, "ideal": training / workers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=16, help="an even number")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--workers", type=int, nargs="+", default=sorted({1, cores()}))
    arguments = parser.parse_args()
    found = [(workers, measure(arguments.trials, arguments.steps, workers)) for workers in arguments.workers]
    columns = ["workers", "whole command, s", "training, s", "training / workers, s", "a trial beyond that, s"]
    print(f"{arguments.trials} trials of {arguments.steps} steps, one thread each, {cores()} cores\n")
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for workers, times in found:
        beyond = (times["total"] - times["ideal"]) * workers / arguments.trials
        print(f"| {workers} | {times['total']:.1f} | {times['training']:.1f} | {times['ideal']:.1f} | {beyond:.2f} |")


if __name__ == "__main__":
    main()
