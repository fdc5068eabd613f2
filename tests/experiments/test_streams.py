"""One seed, separate streams: neither the model nor validation nor an interruption shifts another stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from toy import toy_parts

from experiments.streams import generator, initialisation, stream_seed
from experiments.training.trial import Parts, run_trial


def test_streams_differ() -> None:
    seeds = {
        stream_seed(s, stream, *i) for s in (0, 1) for stream in ("initialisation", "order") for i in ((), (0,), (1,))
    }
    assert len(seeds) == 12
    assert stream_seed(0, "dropout") == 1758914533207658875
    draws = [torch.rand(3, generator=generator(0, "order", 4)) for _ in range(2)]
    assert torch.equal(*draws)


def test_initialisation_leaves_the_caller_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    with initialisation(0):
        first = torch.rand(2)
    assert torch.equal(torch.rand(2), expected)
    with initialisation(0):
        assert torch.equal(torch.rand(2), first)


def batches_of(spec: dict[str, Any], folder: Path, **model: Any) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The batches that a trial trained on, and a draw from torch's generator at each of them."""
    seen: list[torch.Tensor] = []
    draws: list[torch.Tensor] = []

    def parts(spec: Any) -> Parts:
        parts = toy_parts(spec)
        inner = parts.task.loss

        def watch(batch: Any) -> torch.Tensor:
            seen.append(batch["tokens"].clone())
            draws.append(torch.get_rng_state()[:16].clone())
            return inner(batch)

        parts.task.loss = watch
        return parts

    run_trial(spec | {"model": model}, folder, build_parts=parts)
    return seen, draws


def test_same_batches_for_different_models(tmp_path: Path, toy_spec: Any) -> None:
    small, _ = batches_of(toy_spec(), tmp_path / "small", width=8)
    large, _ = batches_of(toy_spec(), tmp_path / "large", width=33, dropout=0.5)
    other, _ = batches_of(toy_spec() | {"seed": 1}, tmp_path / "other")
    assert len(small) == 14
    assert all(torch.equal(a, b) for a, b in zip(small, large, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(small, other, strict=True))


def test_validation_does_not_shift_dropout(tmp_path: Path, toy_spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.tasks import CausalLM

    inner = CausalLM.measure

    def wasteful(self: CausalLM, batch: Any) -> Any:
        torch.rand(7)
        return inner(self, batch)

    monkeypatch.setattr(CausalLM, "measure", wasteful)
    _, often = batches_of(toy_spec(val_check_interval=2), tmp_path / "often")
    _, seldom = batches_of(toy_spec(val_check_interval=7), tmp_path / "seldom")
    assert all(torch.equal(a, b) for a, b in zip(often, seldom, strict=True))
