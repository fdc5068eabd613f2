"""What a training costs, from its spec alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from experiments.making import filled, make_data
from experiments.measure import TRAINING, facts, flops
from experiments.training_cost import flops_per_step, tokens_per_step, training_facts, training_steps
from registry.assembly import assemble_block
from registry.errors import SpecError
from registry.load import load

SPEC: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2, "position": "none"},
    "data": {"kind": "text", "length": 24, "batch_size": 5},
    "task": "causal_lm",
    "trainer": {"max_steps": 7},
}


def made(*settings: tuple[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    loaded = load(SPEC, list(settings))
    data = make_data(loaded.full, loaded.catalog)
    return filled(loaded.full, data), data, loaded.catalog


def model_of(full: Any, catalog: Any) -> nn.Module:
    return assemble_block(full["model"], catalog)


def test_a_step_is_three_passes_over_its_rows() -> None:
    full, data, catalog = made(("trainer.accumulate_grad_batches", 2))
    assert flops_per_step(full, data, catalog) == TRAINING * flops(model_of(full, catalog), 24) * 5 * 2
    assert tokens_per_step(full, data) == 24 * 5 * 2
    assert training_steps(full, data) == 7


def test_passes_are_counted_in_steps(tmp_path: Any) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes(b"some words to be learned, " * 60)
    train = ("data.train", str(text)), ("trainer.max_epochs", 3)
    full, data, _ = made(*train, ("trainer.max_steps", None))
    batches = len(data.train_loader())
    assert training_steps(full, data) == 3 * batches
    full, data, _ = made(*train, ("trainer.max_steps", 4))
    assert training_steps(full, data) == 4


def test_a_training_that_never_ends() -> None:
    full, data, _ = made(("trainer.max_steps", None))
    with pytest.raises(SpecError, match="set max_steps or max_epochs"):
        training_steps(full, data)


def test_a_memory_that_is_full_is_read_and_projected() -> None:
    kind = {"kind": "transformer_xl", "memory": 60, "bias": False}
    apart, data, catalog = made(("model.attention", kind))
    after, _, _ = made(("model.attention", kind), ("data.order", "contiguous"))
    more = flops_per_step(after, data, catalog) - flops_per_step(apart, data, catalog)
    # keys and values of 60 more inputs, which 24 queries of 2 heads meet; in 5 rows, forward and back
    assert more == 3 * 5 * (60 * 2 * 2 * 16 * 16 + 2 * 24 * 60 * 4 * 8)


def test_a_summary_says_what_the_training_costs() -> None:
    full, data, catalog = made()
    model = model_of(full, catalog)
    found = facts(model, 24, full, catalog)
    assert found["training_flops"] == 7 * flops_per_step(full, data, catalog)
    assert found["memory_counted_mb"] == pytest.approx(training_facts(full, catalog)["memory_counted_mb"])
    assert 0 < found["memory_counted_mb"] < 10
    assert facts(model, 24) == {k: found[k] for k in ("parameters_by_part", "flops_per_token")}


def test_looking_draws_no_random_number() -> None:
    full, _, catalog = made(("model.dropout", 0.1))
    state = torch.get_rng_state()
    training_facts(full, catalog)
    assert torch.equal(torch.get_rng_state(), state)


def test_what_cannot_be_counted_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise NotImplementedError("no numbers")

    monkeypatch.setattr("blocks.topology.decoder.Decoder.forward", refuse)
    full, _, catalog = made()
    assert training_facts(full, catalog) == {"training_flops": None, "memory_counted_mb": None}


def test_an_optimizer_that_cannot_be_counted_takes_no_flops_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("the optimizer reads numbers")

    monkeypatch.setattr("experiments.step_memory._optimizer_state", refuse)
    full, data, catalog = made()
    found = training_facts(full, catalog)
    assert found == {"training_flops": 7 * flops_per_step(full, data, catalog), "memory_counted_mb": None}
