"""Checkpoints that are either old or new, never torn, and that load without running code."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch
from pytorch_lightning.plugins import CheckpointIO

from experiments.atomic import commit, sync_folder, temporary
from experiments.crash import crash_point

LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"


class AtomicCheckpointIO(CheckpointIO):
    """Writes beside the target, makes the file durable, then renames; the version before is kept as `previous.ckpt`."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        new = temporary(target)
        try:
            crash_point("checkpoint.open")
            with open(new, "wb") as file:
                _write(checkpoint, file, target)
                file.flush()
                crash_point("checkpoint.before_sync")
                os.fsync(file.fileno())
            crash_point("checkpoint.before_replace")
            if target.exists():
                # a kill between the two renames leaves the previous one, which `newest` falls back to
                os.replace(target, target.with_name(PREVIOUS))
                crash_point("checkpoint.between_replaces")
            commit(new, target)
            crash_point("checkpoint.after_replace")
        finally:
            new.unlink(missing_ok=True)

    def load_checkpoint(self, path: Any, map_location: Any | None = None, weights_only: bool | None = None) -> Any:
        return read_checkpoint(Path(path), map_location or "cpu")

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


def _write(checkpoint: dict[str, Any], file: BinaryIO, target: Path) -> None:
    """Raises OSError, with the name of the target, where there is no room for it."""
    pieces = _Pieces(file)
    try:
        torch.save(checkpoint, cast(BinaryIO, pieces))
    except Exception as error:
        # torch goes on to trip over what is missing of the file
        if pieces.error is not None:
            raise OSError(pieces.error.errno, pieces.error.strerror, str(target)) from error
        raise


class _Pieces:
    """A file as it is written, piece by piece, which remembers what went wrong; a crash point after each piece."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, piece: Any) -> int:
        try:
            written = self._file.write(piece)
        except OSError as error:
            self.error = error
            raise
        crash_point("checkpoint.half_written")
        return written

    def flush(self) -> None:
        self._file.flush()


def read_checkpoint(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """Load a checkpoint of plain data and tensors.

    Raises ValueError for a damaged file and for one that holds anything else, whose code is never run.
    """
    try:
        damaged = zipfile.ZipFile(path).testzip()
        if damaged is not None:
            raise ValueError(f"{path}: damaged ({damaged} has the wrong check sum)")
        loaded: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=True)
    except FileNotFoundError:
        raise
    # torch.load raises whatever its unpickler meets: EOFError, RuntimeError, UnpicklingError, KeyError, ...
    except Exception as error:
        raise ValueError(f"{path}: not a checkpoint that can be loaded ({_first_line(error)})") from error
    return loaded


def model_state(checkpoint: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The weights of the model alone, named as the model names them."""
    prefix = "model."
    return {k.removeprefix(prefix): v for k, v in checkpoint["state_dict"].items() if k.startswith(prefix)}


def newest(folder: Path, note: Callable[[str], None] = print) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint of a folder that can be loaded, and its content: last, else previous, else best.

    None if there is none.

    note: told about each damaged file that was passed over.
    """
    for name in (LAST, PREVIOUS, BEST):
        path = folder / name
        if not path.exists():
            continue
        try:
            return path, read_checkpoint(path)
        except ValueError as error:
            note(f"{error}; falling back to an older checkpoint")
    return None


def copy_checkpoint(source: Path, target: Path) -> None:
    """A second name for a finished checkpoint; a copy where the file system has no hard links."""
    new = temporary(target)
    try:
        try:
            os.link(source, new)
        except OSError:
            shutil.copyfile(source, new)
            with open(new, "rb") as file:
                os.fsync(file.fileno())
        os.replace(new, target)
        sync_folder(target.parent)
    finally:
        new.unlink(missing_ok=True)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
