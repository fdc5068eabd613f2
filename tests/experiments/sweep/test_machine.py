"""What trials run on: slots, GPUs, and how many of them a trial takes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from experiments.provenance import cores
from experiments.sweep.engines import engine_maker
from experiments.sweep.local import LocalEngine
from experiments.sweep.machine import devices, gpus, require_slots, slots
from experiments.training.loggers import MissingExtra
from registry.errors import SpecError


def spec(workers: int | None = None, accelerator: str = "auto", devices: Any = 1) -> dict[str, Any]:
    return {"sweep": {"workers": workers}, "trainer": {"accelerator": accelerator, "devices": devices}}


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_without_gpus_there_is_a_slot_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert slots(spec()) == (cores(), ())
    assert slots(spec(workers=7)) == (7, ())


@pytest.mark.usefixtures("three_gpus")
def test_with_gpus_there_is_a_slot_for_each_of_them() -> None:
    assert slots(spec()) == (3, ("0", "1", "2"))
    assert slots(spec(workers=2)) == (2, ("0", "1"))
    assert slots(spec(workers=9)) == (3, ("0", "1", "2"))
    assert slots(spec(accelerator="cpu", workers=5)) == (5, ())


@pytest.mark.usefixtures("three_gpus")
def test_gpus_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, GPU-8932f937, 7")
    assert gpus() == ("5", "GPU-8932f937", "7")


def test_a_trial_that_takes_more_than_there_is_is_refused() -> None:
    require_slots([spec(devices=2)], 2, "workers")
    with pytest.raises(SpecError) as caught:
        require_slots([spec(), spec(devices=4)], 2, "cores here")
    assert str(caught.value) == "trainer.devices: asks for 4, but all that a trial can have is 2 (cores here)"
    assert devices(spec(devices="auto")) == 1


def test_slots_of_an_engine_are_as_many_as_workers_and_gpus_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.forkserver.ensure_running", lambda: None)
    assert LocalEngine(4).slots == 4
    assert LocalEngine(4, ("0", "1")).slots == LocalEngine(4, ("0", "1")).free == 2
    assert LocalEngine(1, ("0", "1")).slots == 1


def test_an_engine_that_is_not_installed_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.sweep.engines.find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as caught:
        engine_maker("ray", None, spec(), [])
    assert str(caught.value) == "engine: ray is not installed: pip install 'swapformer[ray]'"


def test_the_local_engine_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.sweep.engines.LocalEngine", lambda *_: pytest.fail("it was made"))
    with pytest.raises(SpecError, match="asks for 3"):
        engine_maker("local", None, spec(workers=2), [spec(devices=3)])
