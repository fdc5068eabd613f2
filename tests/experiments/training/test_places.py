"""Whoever started several processes is recognised by what it really says, and asked for the same number."""

from __future__ import annotations

import pytest

from experiments.training.places import Place, outside, together_arguments, world_of
from registry.errors import SpecError

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "GROUP_RANK": "1",
    "MASTER_ADDR": "10.0.0.7",
    "MASTER_PORT": "29400",
}
SRUN = {
    "SLURM_JOB_ID": "123",
    "SLURM_STEP_ID": "2",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_NTASKS": "8",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_STEP_NODELIST": "gpu[07-08]",
    "SLURM_NODELIST": "cpu01,gpu[07-08]",
}
FOUR = {"devices": 2, "num_nodes": 2}


def test_torchrun() -> None:
    assert outside(FOUR, TORCHRUN) == Place(3, 4, 1, 1, "10.0.0.7", 29400)
    assert outside({"devices": "auto", "num_nodes": 2}, TORCHRUN) is not None
    with pytest.raises(SpecError, match=r"trainer\.devices: is 1 on 1 node, but torchrun started 4 processes"):
        outside({}, TORCHRUN)


def test_srun() -> None:
    port = 15000 + 123 * 31 + 2
    assert outside(FOUR, SRUN) == Place(3, 4, 1, 1, "gpu07", port)
    assert outside(FOUR, SRUN | {"MASTER_ADDR": "head", "MASTER_PORT": "9"}) == Place(3, 4, 1, 1, "head", 9)
    with pytest.raises(SpecError, match="srun started 4 processes"):
        outside({"devices": 3}, SRUN)


@pytest.mark.parametrize(
    ("trainer", "environment"),
    [
        (FOUR, {}),
        # many tasks, each of which trains a spec of its own
        ({"devices": 1}, SRUN),
        # a batch script, and a shell that srun opened
        (FOUR, {name: value for name, value in SRUN.items() if "STEP" not in name}),
        (FOUR, SRUN | {"SLURM_STEP_NUM_TASKS": "1"}),
        (FOUR, {"RANK": "1", "WORLD_SIZE": "2"}),
    ],
)
def test_nobody(trainer: dict[str, object], environment: dict[str, str]) -> None:
    assert outside(trainer, environment) is None


def test_how_many() -> None:
    assert world_of({}, None) == world_of({"devices": "auto", "accelerator": "cpu"}, None) == 1
    assert world_of({"devices": 3}, None) == 3
    assert world_of(FOUR, outside(FOUR, SRUN)) == 4
    with pytest.raises(SpecError, match=r"trainer\.num_nodes: is 2: only torchrun or srun start"):
        world_of(FOUR, None)


def test_what_lightning_is_told() -> None:
    assert together_arguments({}, 1) == {"devices": 1, "num_nodes": 1, "strategy": "auto"}
    assert together_arguments(FOUR | {"strategy": "ddp"}, 4)["strategy"] == "ddp"
    assert together_arguments(FOUR, 4) == {"devices": 2, "num_nodes": 2, "strategy": "ddp_find_unused_parameters_true"}
    assert together_arguments({"devices": 2, "strategy": "fsdp"}, 2)["strategy"] == "fsdp"
