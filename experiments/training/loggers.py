"""The loggers that a spec can ask for, besides the CSV file that is always written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytorch_lightning.loggers import Logger

from experiments.extras import MissingExtra

__all__ = ["MissingExtra", "build_loggers"]


def build_loggers(names: Sequence[str], folder: Path, run: str) -> list[Logger]:
    """Lightning's own loggers, writing into `folder`; W&B works offline. Raises MissingExtra, ValueError."""
    return [_build(name, folder, run) for name in names]


def _build(name: str, folder: Path, run: str) -> Logger:
    try:
        if name == "tensorboard":
            from pytorch_lightning.loggers import TensorBoardLogger

            return TensorBoardLogger(folder, name="tensorboard", version="")
        if name == "wandb":
            from pytorch_lightning.loggers import WandbLogger

            return WandbLogger(name=run, save_dir=folder, offline=True, project="swapformer")
        if name == "mlflow":
            from pytorch_lightning.loggers import MLFlowLogger

            return MLFlowLogger("swapformer", run_name=run, tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    except ModuleNotFoundError:
        raise MissingExtra(f"loggers: {name} is not installed: pip install 'swapformer[{name}]'") from None
    raise ValueError(f"loggers: there is no '{name}'; there are tensorboard, wandb, mlflow, and csv is always written")
