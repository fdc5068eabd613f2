"""A model with a memory goes on where it was stopped, with what it remembered."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from blocks.attention import TransformerXLAttention
from blocks.position import TransformerXL
from blocks.topology import Decoder
from experiments.data import Text
from experiments.optimizers import AdamW
from experiments.schedules import WarmupCosine
from experiments.tasks import CausalLM
from experiments.training.checkpoint_io import LAST, read_checkpoint
from experiments.training.interrupts import Interrupts
from experiments.training.trial import Parts, run_trial


def parts(spec: Any) -> Parts:
    data = Text(spec["seed"], **{k: v for k, v in spec["data"].items() if k != "kind"})
    attention = partial(TransformerXLAttention, memory=12, start=spec["start"], dropout=0.1)
    model = Decoder(
        dim=16, layers=2, heads=2, vocab=data.vocab, attention=attention, position=TransformerXL, dropout=0.2
    )
    return Parts(data, CausalLM(model, data, AdamW(lr=1e-2), WarmupCosine(warmup=2)))


def spec_of(toy_spec: Any, order: str = "contiguous", start: str = "empty") -> dict[str, Any]:
    # a pass has 7 batches: the stops below fall within and between passes
    spec: dict[str, Any] = toy_spec(max_steps=10, val_check_interval=3)
    return {**spec, "data": {**spec["data"], "order": order}, "start": start}


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    def ask(self: Interrupts, trainer: Any, *args: Any) -> None:
        self.asked = 2 if trainer.global_step == step else None

    monkeypatch.setattr(Interrupts, "on_train_batch_start", ask)


@pytest.mark.parametrize("start", ["empty", "zeros"])
def test_resumed_equals_uninterrupted(
    start: str, tmp_path: Path, toy_spec: Any, read_curve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(toy_spec, start=start)
    run_trial(spec, tmp_path / "whole", build_parts=parts)
    whole = read_checkpoint(tmp_path / "whole/checkpoints" / LAST)
    for step in (2, 4, 6, 8):
        folder = tmp_path / f"stopped{step}"
        stop_at(monkeypatch, step)
        assert run_trial(spec, folder, build_parts=parts)["status"] == "interrupted"
        monkeypatch.undo()
        run_trial(spec, folder, build_parts=parts)
        assert read_curve(folder) == read_curve(tmp_path / "whole")
        again = read_checkpoint(folder / "checkpoints" / LAST)
        assert all(torch.equal(again["state_dict"][k], v) for k, v in whole["state_dict"].items())
        for mine, theirs in zip(again["memory"][0], whole["memory"][0], strict=True):
            assert torch.equal(mine["x"], theirs["x"])


def test_the_memory_is_in_the_checkpoint_and_counts(
    tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, a resumed training goes on differently."""
    spec = spec_of(toy_spec)
    run_trial(spec, tmp_path / "whole", build_parts=parts)
    stop_at(monkeypatch, 4)
    run_trial(spec, tmp_path / "stopped", build_parts=parts)
    monkeypatch.undo()
    path = tmp_path / "stopped/checkpoints" / LAST
    checkpoint = read_checkpoint(path)
    assert [list(entry["x"].shape) for entry in checkpoint["memory"][0]] == [[2, 12, 16]] * 2
    checkpoint["memory"] = []
    torch.save(checkpoint, path)
    run_trial(spec, tmp_path / "stopped", build_parts=parts)
    ends = [read_checkpoint(tmp_path / f"{name}/checkpoints" / LAST)["state_dict"] for name in ("whole", "stopped")]
    assert any(not torch.equal(ends[0][k], ends[1][k]) for k in ends[0])


def test_other_models_save_no_memory(tmp_path: Path, toy_spec: Any) -> None:
    from toy import toy_parts

    run_trial(toy_spec(max_steps=2), tmp_path / "run", build_parts=toy_parts)
    assert "memory" not in read_checkpoint(tmp_path / "run/checkpoints" / LAST)
