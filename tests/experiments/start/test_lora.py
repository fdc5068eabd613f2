"""Adapters: what is trained, and that a trained model is the same without them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from fine_tuning import Swapformer, fine_spec, run_of
from small_models import made, tokens

from experiments.making import make_data, make_task
from experiments.start import adapting
from experiments.start.adapting import adapted
from experiments.start.merging import merged
from experiments.step_memory import step_memory
from experiments.trained import load_trained
from experiments.training.checkpoint_io import model_state, read_checkpoint
from registry import load_pretrained, save_pretrained
from registry.assembly import assemble_block
from registry.catalog import Catalog

pytest.importorskip("peft")


def spec(**lora: Any) -> dict[str, Any]:
    return {"init_from": {"path": "x", "lora": lora}}


def trained(model: torch.nn.Module) -> list[str]:
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def test_adapters_and_the_head_are_trained() -> None:
    head = {"kind": "classification", "classes": 3}
    model = adapted(made("encoder", head=head), spec(rank=4, targets=["encoder.layers.1.attention.query"]))
    where = "stack.layers.1.attention.query"
    assert trained(model) == [
        *(f"{where}.lora_{side}.default.weight" for side in "AB"),
        *("head.matrix.weight", "head.matrix.bias"),
    ]
    assert model.get_parameter(f"{where}.lora_A.default.weight").shape == (4, 16)


def test_unless_said_otherwise_queries_and_values_of_all_attention() -> None:
    model = adapted(made("encoder_decoder", layers=1), spec())
    places = {name.split(".lora")[0] for name in trained(model)}
    assert places == {f"encoder.layers.0.attention.{name}" for name in ("query", "value")} | {
        f"decoder.layers.0.attention.{name}" for name in ("query", "value")
    }
    # a tied head has nothing of its own
    assert not model.get_parameter("embedding.table.weight").requires_grad


def test_merged_weights_compute_the_same() -> None:
    """As new, an adapter adds nothing; trained, it adds alpha / rank B A."""
    plain = made("encoder")
    expected = plain(tokens())
    model = adapted(plain, spec(rank=3, alpha=5, targets=["query", "outer", "key"])).eval().double()
    torch.testing.assert_close(model(tokens()), expected, rtol=0, atol=1e-12)
    with torch.no_grad():
        for name in trained(model):
            model.get_parameter(name).normal_()
    state = merged(model.state_dict(), spec(rank=3, alpha=5))
    other = made("encoder", 1)
    other.load_state_dict(state)
    torch.testing.assert_close(other(tokens()), model(tokens()), rtol=0, atol=1e-11)
    assert not torch.allclose(other(tokens()), expected)


def test_a_run_with_adapters_is_used_and_exported_without_them(swapformer: Swapformer, tmp_path: Path) -> None:
    lora = {"rank": 2, "alpha": 4, "targets": ["query", "feedforward.*"]}
    optimizer = {"kind": "adamw", "lr": 0.1, "weight_decay": 0.0}
    swapformer("run", fine_spec({"path": "runs/lm", "lora": lora}, optimizer=optimizer), name="lora")
    folder = run_of("lora")
    checkpoint = read_checkpoint(folder / "checkpoints" / "best.ckpt")
    # down and up of three maps in two layers, weight and bias of the head
    assert len(checkpoint["optimizer_states"][0]["state"]) == 2 * 3 * 2 + 2
    found = load_trained(folder)
    assert trained(found.model) == [name for name, _ in found.model.named_parameters()]
    with_adapters: Any = adapted(assemble_block(found.spec["model"], Catalog.load()), found.spec)
    with_adapters.load_state_dict(model_state(checkpoint))
    batch = torch.randint(250, (2, 9))
    torch.testing.assert_close(with_adapters.eval()(batch), found.model(batch))
    source = load_trained(run_of("lm")).model
    moved = [n for n in ("query", "key") if not torch.equal(_map(found.model, n), _map(source, n))]
    assert moved == ["query"]
    save_pretrained(found.model, tmp_path / "exported")
    assert torch.equal(load_pretrained(tmp_path / "exported")(batch), found.model(batch))
    # and is itself something to start from
    swapformer("run", fine_spec(str(folder)), name="again")
    assert "35 tensors loaded" not in (run_of("again") / "log.txt").read_text()
    assert "37 tensors loaded" in (run_of("again") / "log.txt").read_text()


def test_a_task_around_it_learns(swapformer: Swapformer) -> None:
    """Gradients reach adapters and head, and nothing else has one."""
    full = load_trained(run_of("plain")).spec
    catalog = Catalog.load()
    data = make_data(full, catalog)
    model = adapted(assemble_block(full["model"], catalog), spec(rank=2))
    task = make_task(full, model, data, catalog)
    loss = task.loss(next(iter(data.train_loader())))
    loss.backward()
    assert math.isfinite(float(loss.detach()))
    touched = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert touched == set(trained(model))


def test_without_peft_the_extra_is_named(swapformer: Swapformer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapting.importlib.util, "find_spec", lambda name: None)
    output = swapformer("run", fine_spec({"path": "runs/lm", "lora": {}}), code=2).output
    assert "pip install 'swapformer[lora]'" in output


def _map(model: Any, name: str) -> torch.Tensor:
    weight: torch.Tensor = getattr(model.stack.layers[1].attention, name).weight
    return weight


def test_the_memory_of_a_step_counts_what_is_trained(swapformer: Swapformer) -> None:
    full = load_trained(run_of("plain")).spec
    catalog = Catalog.load()
    plain = step_memory(full, catalog, 2, 16)
    few = step_memory({**full, **spec(rank=2)}, catalog, 2, 16)
    adapters = 2 * 2 * 2 * 2 * 16 * 4
    assert few.gradients == adapters < plain.gradients
    assert few.weights == plain.weights + adapters
    still = step_memory({**full, "init_from": {"path": "x", "freeze": ["embedding"]}}, catalog, 2, 16)
    assert still.gradients == plain.gradients - 256 * 16 * 4
