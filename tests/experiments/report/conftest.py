"""Sweep folders as training writes them, made from a seeded toy model of learning."""

from __future__ import annotations

import csv
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AXES = {
    "model.attention": ["full", "longformer", "performer", "linformer"],
    "model.position": ["sinusoidal", "rotary", "alibi"],
    "model.placement": ["pre", "post"],
}
WORTH = {"full": 0.0, "longformer": 0.03, "performer": 0.16, "linformer": 0.24}
WORTH |= {"sinusoidal": 0.07, "rotary": 0.0, "alibi": 0.02, "pre": 0.0, "post": 0.05}
SPEED = {"full": 15_000.0, "longformer": 11_500.0, "performer": 19_000.0, "linformer": 21_000.0}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)> 'quoted' & %{x} {{ 7*7 }}",
    '=HYPERLINK("http://evil.example") 🦊 \u202egnp.exe \x1b[31m | pipe',
    "x" * 200,
)
REASONS = {
    "performer": "attention 'performer' cannot honour position 'alibi' (it needs the score matrix: bias); "
    "positions that work with 'performer': learned, none, rotary, sinusoidal",
    "linformer": "attention 'linformer' mixes tokens before it compares them and honours no position inside attention",
    "longformer": "attention 'longformer' has no bias for global tokens, which 'alibi' needs",
}
MAX_STEPS = 400


def refused(attention: str, position: str) -> bool:
    return (attention == "linformer" and position != "sinusoidal") or (
        attention in ("performer", "longformer") and position == "alibi"
    )


def combinations(names: dict[str, str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The variants to train and those left out, with `names` in place of the plain axis labels."""
    kept, left_out = [], []
    for attention in AXES["model.attention"]:
        for position in AXES["model.position"]:
            for placement in AXES["model.placement"]:
                labels = [names.get(label, label) for label in (attention, position, placement)]
                entry = {"label": " / ".join(labels), "values": dict(zip(AXES, labels, strict=True))}
                if refused(attention, position):
                    left_out.append({**entry, "reason": REASONS[attention]})
                else:
                    kept.append({**entry, "plain": (attention, position, placement)})
    return kept, left_out


def write_sweep(folder: Path, seeds: tuple[int, ...] = (0, 1), hostile: bool = False, train: bool = True) -> Path:
    """A sweep of 16 variants: 8 left out, one trial failed, one diverged; untouched trials with `train=False`."""
    names = dict(zip(AXES["model.attention"], HOSTILE, strict=True)) if hostile else {}
    kept, left_out = combinations(names)
    trials = []
    for variant in kept:
        for seed in seeds:
            trial_id = f"{random.Random(str((variant['label'], seed))).getrandbits(48):012x}"
            trials.append({"id": trial_id, "variant": variant["label"], "seed": seed, "plain": variant["plain"]})
    evil = HOSTILE[0] if hostile else ""
    plan = {
        "schema_version": 1,
        "name": f"attention-and-position{evil}",
        "spec_file": "specs/attention.yaml",
        "command": f"swapformer sweep specs/attention.yaml trainer.max_steps={MAX_STEPS}{evil}",
        "created": "2026-11-22T14:40:00+00:00",
        "metric": {"name": "valid/bits_per_byte", "goal": "minimize"},
        "axes": {axis: [names.get(label, label) for label in labels] for axis, labels in AXES.items()},
        "baseline": {
            "model.attention": names.get("full", "full"),
            "model.position": "sinusoidal",
            "model.placement": "pre",
        },
        "seeds": list(seeds),
        "variants": [{key: value for key, value in variant.items() if key != "plain"} for variant in kept],
        "trials": [{key: value for key, value in trial.items() if key != "plain"} for trial in trials],
        "left_out": [{**entry, "reason": entry["reason"] + evil} for entry in left_out],
        "caveats": [{"words": f"positions are told twice{evil}", "variants": [kept[0]["label"], kept[1]["label"]]}],
        "references": [
            {
                "label": f"bigram model{evil}",
                "metric": "valid/bits_per_byte",
                "value": 2.741,
                "about": "counts of byte pairs in the training text, add-one smoothing",
            }
        ],
        "data": {"about": "public-domain plays, bytes" + evil, "train_bytes": 461123, "valid_bytes": 51236},
        "environment": {
            "torch": "2.13.0",
            "python": "3.11.7",
            "cpu": "2 cores",
            "git_commit": "4f1c2d9",
            "git_dirty": False,
        },
    }
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    for trial in trials if train else ():
        write_trial(folder / "trials" / trial["id"], trial)
    return folder


def write_trial(folder: Path, trial: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    attention, position, placement = trial["plain"]
    fate = {
        (("longformer", "sinusoidal", "post"), 1): "failed",
        (("performer", "sinusoidal", "post"), 0): "diverged",
    }.get((trial["plain"], trial["seed"]), "finished")
    noise = random.Random(trial["id"])
    end = 2.31 + WORTH[attention] + WORTH[position] + WORTH[placement] + noise.gauss(0, 0.012)
    pace = noise.uniform(48, 58) * (1.25 if placement == "post" else 1.0)
    last = {"failed": 130, "diverged": 90, "finished": MAX_STEPS}[fate]
    rate = SPEED[attention] * noise.uniform(0.96, 1.04) / 2048

    def curve(step: int) -> float:
        blown_up = 0.02 * math.exp((step - 45) / 9) if fate == "diverged" and step > 45 else 0.0
        return end + (7.9 - end) * math.exp(-step / pace) + 0.09 * (1 - step / MAX_STEPS) + blown_up

    rows: list[list[object]] = []
    for step in range(10, last + 1, 10):
        train_loss = math.log(2) * curve(step) + noise.gauss(0, 0.04)
        rows.append([step, 0, f"{step / rate:.2f}", "train/loss", f"{train_loss:.5f}"])
        rows.append([step, 0, f"{step / rate:.2f}", "lr", f"{min(step / 40, 1.0) * 1e-3:.6f}"])
        if step % 20 == 0:
            valid = curve(step) + noise.gauss(0, 0.004)
            rows.append([step, 0, f"{step / rate:.2f}", "valid/bits_per_byte", f"{valid:.5f}"])
            rows.append([step, 0, f"{step / rate:.2f}", "valid/loss", f"{valid * math.log(2):.5f}"])
    with (folder / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", "epoch", "seconds", "name", "value"])
        writer.writerows(rows)
    reason = {
        "failed": "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 1073741824 bytes",
        "diverged": "the loss was not finite at step 91",
    }.get(fate)
    write_json(
        folder / "state.json",
        {
            "status": fate,
            "reason": reason,
            "step": last,
            "max_steps": MAX_STEPS,
            "updated": "2026-11-22T14:52:10+00:00",
        },
    )
    spec = f"model:\n  attention: {{kind: {attention}}}\n  position: {position}\n  placement: {placement}\n"
    (folder / "spec.yaml").write_text(f"{spec}  dim: 64\nseed: {trial['seed']}\nname: {trial['variant']!r}\n", "utf-8")
    if fate == "finished":
        write_json(folder / "summary.json", summary_of(trial, end, rate, noise))


def summary_of(trial: dict[str, Any], end: float, rate: float, noise: random.Random) -> dict[str, Any]:
    attention = trial["plain"][0]
    metrics = {"valid/bits_per_byte": end, "valid/loss": end * math.log(2)}
    parameters = 214_528 + {"longformer": 24_960, "linformer": 8_192}.get(attention, 0)
    return {
        "status": "finished",
        "metrics": metrics,
        "best_metrics": metrics,
        "best_step": MAX_STEPS,
        "steps": MAX_STEPS,
        "seed": trial["seed"],
        "parameters": parameters,
        "parameters_by_part": {"attention": 66_048, "feedforward": 131_584, "embedding": 16_896},
        "flops_per_token": 1.2e6,
        "tokens_per_second": rate * 2048,
        "train_seconds": MAX_STEPS / rate,
        "peak_memory_mb": {"full": 455.0, "longformer": 398.0}.get(attention, 341.0) + noise.uniform(-6, 6),
        "tokens": MAX_STEPS * 2048,
    }


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def make_sweep(tmp_path: Path) -> Callable[..., Path]:
    """`make_sweep(seeds=..., hostile=..., train=...)` writes a sweep and returns its folder."""
    return lambda name="sweep", **options: write_sweep(tmp_path / name, **options)


@pytest.fixture
def sweep(make_sweep: Callable[..., Path]) -> Path:
    return make_sweep()


@pytest.fixture(scope="session")
def hostile_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep whose names are markup, formulas, control characters and 200 letters; shared, so not to be changed."""
    return write_sweep(tmp_path_factory.mktemp("hostile") / "sweep", hostile=True)
