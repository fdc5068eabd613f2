"""Resuming gives the same numbers for real models too, whatever random numbers and buffers their parts keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blocks.attention import FullAttention, LinearAttention, Longformer, Performer
from blocks.topology import Decoder
from experiments.data import Text
from experiments.optimizers import AdamW
from experiments.schedules import WarmupCosine
from experiments.tasks import CausalLM
from experiments.training.interrupts import Interrupts
from experiments.training.trial import Parts, run_trial

KINDS = {
    "full": FullAttention,
    "longformer": lambda dim, heads: Longformer(dim, heads, window=4),
    "linear": LinearAttention,
    "performer": lambda dim, heads: Performer(dim, heads, redraw=2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_resumed_equals_uninterrupted(
    kind: str, tmp_path: Path, toy_spec: Any, read_curve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts(spec: Any) -> Parts:
        data = Text(spec["seed"], **{k: v for k, v in spec["data"].items() if k != "kind"})
        model = Decoder(dim=16, layers=1, heads=2, vocab=data.vocab, attention=KINDS[kind], dropout=0.2)
        return Parts(data, CausalLM(model, data, AdamW(lr=1e-2), WarmupCosine(warmup=2)))

    spec = toy_spec(max_steps=8, val_check_interval=3)
    run_trial(spec, tmp_path / "whole", build_parts=parts)

    def ask(self: Interrupts, trainer: Any, *args: Any) -> None:
        self.asked = 2 if trainer.global_step == 4 else None

    monkeypatch.setattr(Interrupts, "on_train_batch_start", ask)
    assert run_trial(spec, tmp_path / "stopped", build_parts=parts)["status"] == "interrupted"
    monkeypatch.undo()
    run_trial(spec, tmp_path / "stopped", build_parts=parts)
    assert len(read_curve(tmp_path / "whole")) == 8 * 2 + 3 * 4
    assert read_curve(tmp_path / "stopped") == read_curve(tmp_path / "whole")
