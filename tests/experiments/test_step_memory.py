"""The memory of a step counted without computing, against the real step."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from experiments.making import filled, make_data
from experiments.step_memory import StepMemory, step_memory
from registry.assembly import assemble_block
from registry.load import load

N, BATCH = 48, 3
SPEC: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 32, "layers": 2, "heads": 2, "dropout": 0.1},
    "data": {"kind": "text", "length": N, "batch_size": BATCH},
    "task": "causal_lm",
    "trainer": {"max_steps": 2},
}
KINDS = [
    "full",
    {"kind": "full", "window": 16},
    {"kind": "full", "kv_heads": 1, "qk_norm": "rms"},
    {"kind": "full", "dropout": 0.1},
    {"kind": "full", "softcap": 5.0},
    {"kind": "longformer", "window": 16},
    {"kind": "bigbird", "block": 4, "random": 1},
    "linear",
    "performer",
    "transformer_xl",
]


def full(*settings: tuple[str, Any], spec: Any = None) -> tuple[dict[str, Any], Any]:
    loaded = load(spec or SPEC, list(settings))
    return filled(loaded.full, make_data(loaded.full, loaded.catalog)), loaded.catalog


def count(*settings: tuple[str, Any], spec: Any = None, batch: int = BATCH, length: int = N) -> StepMemory:
    made, catalog = full(*settings, spec=spec)
    return step_memory(made, catalog, batch, length)


def really_saved(made: dict[str, Any], catalog: Any) -> int:
    """What autograd keeps of a real pass on the CPU."""
    model: Any = assemble_block(made["model"], catalog).train()
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = model(**model.example(BATCH, N))
        loss = functional.cross_entropy(logits.flatten(0, -2), torch.zeros(logits[..., 0].numel(), dtype=torch.long))
    own = {p.data_ptr() for p in [*model.parameters(), *model.buffers()]}
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in kept}
    assert loss.requires_grad
    # the targets and a count that the loss of whole numbers keeps
    return sum(size for at, size in storages.items() if at not in own) - BATCH * N * 8 - 4


def with_scores(attention: Any) -> bool:
    """Whether a kind has scores, to which a position scheme may add something."""
    return (attention if isinstance(attention, str) else attention["kind"]) not in ("linear", "performer")


@pytest.mark.parametrize(
    ("attention", "position"),
    [*((kind, "rotary") for kind in KINDS), *((kind, "t5") for kind in KINDS if with_scores(kind))],
    ids=str,
)
def test_saved_is_what_the_cpu_saves(attention: Any, position: str) -> None:
    made, catalog = full(("model.attention", attention), ("model.position", position))
    assert step_memory(made, catalog, BATCH, N).saved == really_saved(made, catalog)


@pytest.mark.parametrize("topology", ["encoder", "encoder_decoder"])
def test_saved_by_other_topologies(topology: str) -> None:
    model = {**SPEC["model"], "topology": topology, "vocab": 50}
    loaded = load({"model": model})
    made, catalog = loaded.full, loaded.catalog
    assert step_memory(made, catalog, BATCH, N).saved == really_saved(made, catalog)


@pytest.mark.parametrize(
    ("optimizer", "copies"),
    [("adamw", 2), ("adam", 2), ({"kind": "sgd", "momentum": 0.9}, 1), ({"kind": "sgd", "momentum": 0.0}, 0)],
    ids=str,
)
def test_the_optimizer_says_itself_what_it_keeps(optimizer: Any, copies: int) -> None:
    made, catalog = full(("optimizer", optimizer))
    tensors = list(assemble_block(made["model"], catalog).parameters())
    weights = sum(p.numel() for p in tensors) * 4
    found = step_memory(made, catalog, BATCH, N)
    assert found.gradients == weights <= found.weights
    # adam counts its steps, a number for each tensor
    assert found.optimizer == copies * weights + (4 * len(tensors) if copies == 2 else 0)
    assert found.total == found.weights + found.gradients + found.optimizer + found.saved


@pytest.mark.parametrize(
    ("path", "small", "large"),
    [
        ("model.dim", 32, 64),
        ("model.layers", 1, 3),
        ("model.feedforward.hidden", 100, 101),
        ("data.batch_size", 2, 3),
        ("data.length", 40, 41),
    ],
)
def test_more_takes_more(path: str, small: int, large: int) -> None:
    def total(value: int) -> int:
        made, catalog = full((path, value))
        return step_memory(made, catalog, made["data"]["batch_size"], made["data"]["length"]).total

    assert total(small) < total(large)
    assert total(small) == total(small)


def test_shared_weights_count_once() -> None:
    shared = ("model.layer_types", {"one": {"shared": True}}), ("model.layers", {"count": 2, "pattern": ["one"]})
    own, one = count(), count(*shared)
    assert one.weights < own.weights and one.gradients < own.gradients
    assert one.saved == own.saved


def test_precision() -> None:
    whole, half, double = (count(("trainer.precision", p)) for p in ("32-true", "bf16-true", "64-true"))
    assert 2 * half.gradients == whole.gradients == double.gradients / 2
    assert half.saved < whole.saved < double.saved
    assert count(("trainer.precision", "bf16-mixed")) == whole


def test_what_is_remembered_of_earlier_batches_counts() -> None:
    long = ("model.attention", {"kind": "transformer_xl", "memory": 64})
    apart, after = count(long), count(long, ("data.order", "contiguous"))
    assert after.saved > apart.saved
    assert after.weights == apart.weights
    assert count(("data.order", "contiguous")) == count()


def test_nothing_is_computed() -> None:
    large = [("model.dim", 8192), ("model.heads", 64), ("model.layers", 2)]
    assert count(*large, batch=64, length=4096).total > 2**36
