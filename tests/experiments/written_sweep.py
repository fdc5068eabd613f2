"""Sweep folders as training writes them, made from a seeded toy model of learning."""

from __future__ import annotations

import csv
import itertools
import json
import math
import random
from pathlib import Path
from typing import Any

AXES = {
    "model.attention": ["full", "longformer", "performer", "linformer"],
    "model.position": ["sinusoidal", "rotary", "alibi"],
    "model.placement": ["pre", "post"],
}
WORTH = {"full": 0.0, "longformer": 0.03, "performer": 0.16, "linformer": 0.24}
WORTH |= {"32": 0.11, "64": 0.0, "128": -0.06}
WORTH |= {"sinusoidal": 0.07, "rotary": 0.0, "alibi": 0.02, "pre": 0.0, "post": 0.05}
SIZES = ("32", "64", "128")
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


def combinations(axes: dict[str, Any], names: dict[str, str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The variants to train and those left out, with `names` in place of the plain axis labels."""
    kept, left_out = [], []
    for plain in itertools.product(*axes.values()):
        labels = [names.get(label, label) for label in plain]
        entry = {"label": " / ".join(labels), "values": dict(zip(axes, labels, strict=True))}
        if refused(*plain[:2]):
            left_out.append({**entry, "reason": REASONS[plain[0]]})
        else:
            kept.append({**entry, "plain": plain})
    return kept, left_out


def trial_of(variant: dict[str, Any], seed: int, **more: Any) -> dict[str, Any]:
    number = random.Random(str((variant["label"], seed, *more.values()))).getrandbits(48)
    return {"id": f"{number:012x}", "variant": variant["label"], "seed": seed, "plain": variant["plain"], **more}


def write_sweep(
    folder: Path, seeds: tuple[int, ...] = (0, 1), hostile: bool = False, train: bool = True, rich: bool = False
) -> Path:
    """A sweep of 16 variants: 8 left out, one trial failed, one diverged; untouched trials with `train=False`.

    rich: with sizes instead of placements, a budget, tries of tuning, provenance, logs and a profile.
    """
    names = dict(zip(AXES["model.attention"], HOSTILE, strict=True)) if hostile else {}
    axes = {**AXES, "model.placement": SIZES} if rich else AXES
    axes = {"model.dim" if rich and axis == "model.placement" else axis: values for axis, values in axes.items()}
    kept, left_out = combinations(axes, names)
    trials = [trial_of(variant, seed) for variant in kept for seed in seeds]
    evil = HOSTILE[0] if hostile else ""
    for variant in kept if rich else ():
        enrich(variant, seeds, trials)
    plan: dict[str, Any] = {
        "schema_version": 2,
        "name": f"attention-and-position{evil}",
        "spec_file": "specs/attention.yaml",
        "command": f"swapformer sweep specs/attention.yaml trainer.max_steps={MAX_STEPS}{evil}",
        "created": "2026-11-22T14:40:00+00:00",
        "metric": {"name": "valid/bits_per_byte", "goal": "minimize"},
        "axes": {axis: [names.get(label, label) for label in labels] for axis, labels in axes.items()},
        "baseline": dict(
            zip(axes, (names.get("full", "full"), "sinusoidal", SIZES[1] if rich else "pre"), strict=True)
        ),
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
    if rich:
        plan["budget"] = {"hold": "parameters", "by": f"hidden{evil}", "target": 214_000, "tolerance": 0.01}
        plan["scaling"] = "model.dim"
    folder.mkdir(parents=True)
    if rich:
        write_json(folder / "profile.json", profile_of(names))
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    for trial in trials if train else ():
        write_trial(folder / "trials" / trial["id"], trial)
    return folder


def enrich(variant: dict[str, Any], seeds: tuple[int, ...], trials: list[dict[str, Any]]) -> None:
    """A variant's budget, and what was tried for it before the trials that are compared."""
    luck = random.Random(str(variant["plain"]))
    off = luck.uniform(-0.009, 0.006)
    held = {"setting": "model.feedforward.hidden", "value": luck.randrange(80, 160), "amount": 214_000 * (1 + off)}
    variant["held"] = {**held, "target": 214_000}
    variant["settings"] = {**variant["values"], held["setting"]: held["value"]}
    rates = [0.001, 0.002, 0.004, 0.008]
    tries = [trial_of(variant, 1000, stage="tune", tuned={"optimizer.lr": rate}) for rate in rates[: 4 if seeds else 0]]
    for trial in trials:
        if trial["variant"] == variant["label"]:
            trial["tuned"] = {"optimizer.lr": luck.choice(rates)}
    trials += tries


def profile_of(names: dict[str, str]) -> dict[str, Any]:
    """Costs of four variants at six lengths, one of which ran out of memory."""
    rows: list[dict[str, Any]] = []
    for attention, power in {"full": 2.0, "longformer": 1.0, "performer": 1.0, "linformer": 1.0}.items():
        label = " / ".join((names.get(attention, attention), "sinusoidal", "64"))
        for length in (128, 256, 512, 1024, 2048, 4096):
            noise = random.Random(f"{attention}{length}").uniform(0.97, 1.03)
            time = noise * (3 + WORTH[attention] * 20 + 0.01 * length + (length / 300) ** 2 * (power > 1))
            row = {"label": label, "length": length, "values": {}, "parameters": 214_528, "flops_per_token": 1.2e6}
            row |= {"forward_ms": time, "backward_ms": 2.1 * time, "train_ms": 3.2 * time, "failed": None}
            row |= {"peak_memory_mb": 20 + 0.02 * length + (length / 200) ** 2 * (power > 1), "decode_ms": 1.2 * noise}
            row |= {
                "tokens_per_second": 1000 * length / time,
                "cache_mb": 0.001 * length,
                "decode_tokens_per_second": 800,
            }
            rows.append(row)
    failed = dict.fromkeys(rows[5]) | {"label": rows[5]["label"], "length": 4096, "failed": "out of memory"}
    rows[5] = failed
    return {"schema_version": 1, "created": "2026-11-22T15:10:00+00:00", "batch": 4, "environment": {}, "rows": rows}


def write_trial(folder: Path, trial: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    attention, position, last_axis = trial["plain"]
    fate = {
        (("longformer", "sinusoidal", "post"), 1): "failed",
        (("performer", "sinusoidal", "post"), 0): "diverged",
        (("longformer", "sinusoidal", "128"), 1): "failed",
        (("performer", "rotary", "32"), 0): "diverged",
    }.get((trial["plain"], trial["seed"]), "finished")
    # what the seed does is shared by all variants, so that pairing helps
    noise, shared, rich = random.Random(trial["id"]), random.Random(trial["seed"]), last_axis in SIZES
    luck = shared.gauss(0, 0.01) + noise.gauss(0, 0.004) if rich else noise.gauss(0, 0.012)
    end = 2.31 + WORTH[attention] + WORTH[position] + WORTH[last_axis] + luck
    if trial.get("stage") == "tune":
        end += 0.03 * abs(math.log(trial["tuned"]["optimizer.lr"] / 0.002))
    pace = noise.uniform(48, 58) * (1.25 if last_axis == "post" else 1.0)
    last = {"failed": 130, "diverged": 90, "finished": MAX_STEPS}[fate]
    rate = SPEED[attention] * noise.uniform(0.96, 1.04) / 2048 * {"128": 0.4, "32": 1.9}.get(last_axis, 1.0)

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
    state = {"status": fate, "reason": reason, "step": last, "max_steps": MAX_STEPS}
    write_json(folder / "state.json", {**state, "updated": "2026-11-22T14:52:10+00:00"})
    if reason:
        log = [f"step {step}: loss 2.{step}" for step in range(60)]
        (folder / "log.txt").write_text("\n".join([*log, "Traceback <script>alert(1)</script>", reason]), "utf-8")
    axis = "width" if rich else "placement"
    spec = f"model:\n  attention: {{kind: {attention}}}\n  position: {position}\n  {axis}: {last_axis}\n"
    (folder / "spec.yaml").write_text(f"{spec}  dim: 64\nseed: {trial['seed']}\nname: {trial['variant']!r}\n", "utf-8")
    if fate == "finished":
        write_json(folder / "summary.json", summary_of(trial, end, rate, noise))


def summary_of(trial: dict[str, Any], end: float, rate: float, noise: random.Random) -> dict[str, Any]:
    attention, _, last_axis = trial["plain"]
    metrics = {"valid/bits_per_byte": end, "valid/loss": end * math.log(2)}
    growth = {"32": 0.3, "128": 3.6}.get(last_axis, 1.0)
    parameters = round((214_528 + {"longformer": 24_960, "linformer": 8_192}.get(attention, 0)) * growth)
    return {
        "status": "finished",
        "metrics": metrics,
        "best_metrics": metrics,
        "best_step": MAX_STEPS,
        "steps": MAX_STEPS,
        "seed": trial["seed"],
        "parameters": parameters,
        "parameters_by_part": {"attention": 66_048, "feedforward": 131_584, "embedding": 16_896},
        "flops_per_token": 1.2e6 * growth * {"linformer": 0.8, "performer": 0.9}.get(attention, 1.0),
        "tokens_per_second": rate * 2048,
        "train_seconds": MAX_STEPS / rate,
        "peak_memory_mb": {"full": 455.0, "longformer": 398.0}.get(attention, 341.0) + noise.uniform(-6, 6),
        "tokens": MAX_STEPS * 2048,
        "batches": f"digest of seed {trial['seed']}",
    }


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
