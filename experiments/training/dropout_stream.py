"""The random stream of dropout, kept through validation, checkpoints and resumption."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from experiments.ranks import ALONE, Ranks
from experiments.streams import stream_seed


class DropoutStream(Callback):
    """torch's own generators carry the dropout stream while training; saved and restored with a checkpoint.

    Validation runs on a copy, so how often it runs does not change the training. Each rank has a stream of its own.
    """

    def __init__(self, seed: int, ranks: Ranks = ALONE) -> None:
        self._seed = seed
        self._ranks = ranks
        self._restored: dict[str, Any] | None = None
        self._aside: dict[str, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._restored is None:
            index = () if self._ranks.first else (self._ranks.rank,)
            torch.manual_seed(stream_seed(self._seed, "dropout", *index))
        else:
            _set(self._restored)
            self._restored = None

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._aside = _get()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        _set(self._aside)

    def state_dict(self) -> dict[str, Any]:
        return {"ranks": self._ranks.gather(_get())}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restored = state_dict["ranks"][self._ranks.rank]


def _get() -> dict[str, Any]:
    state: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def _set(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
