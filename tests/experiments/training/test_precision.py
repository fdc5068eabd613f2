"""Training in each precision that a CPU has, with clipped gradients, which Lightning refuses fused mixed steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from blocks.topology import Decoder
from experiments.data import Text
from experiments.optimizers import SGD, Adam, AdamW
from experiments.schedules import WarmupCosine
from experiments.tasks import CausalLM
from experiments.training.trial import Parts, run_trial


@pytest.mark.parametrize("precision", ["32-true", "bf16-true", "bf16-mixed", "64-true"])
@pytest.mark.parametrize("optimizer", [Adam, AdamW, SGD])
def test_loss_falls(precision: str, optimizer: Any, tmp_path: Path, toy_spec: Any, read_curve: Any) -> None:
    def parts(spec: Any) -> Parts:
        torch.manual_seed(0)
        data = Text(spec["seed"], **{k: v for k, v in spec["data"].items() if k != "kind"})
        model = Decoder(dim=16, layers=1, heads=2, vocab=data.vocab)
        return Parts(data, CausalLM(model, data, optimizer(lr=0.05), WarmupCosine(warmup=1)))

    spec = toy_spec(max_steps=8, val_check_interval=8, precision=precision, gradient_clip_val=1.0)
    assert run_trial(spec, tmp_path / "run", build_parts=parts)["status"] == "finished"
    losses = [float(r[3]) for r in read_curve(tmp_path / "run") if r[2] == "train/loss"]
    assert losses[-1] < losses[0]
