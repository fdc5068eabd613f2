"""Folders with weights in safetensors files: read without running code, written so that they are whole or not there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.errors import Problem, SpecError, quoted

if TYPE_CHECKING:
    import torch
    from torch import Tensor

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


class TensorFiles(Mapping[str, "Tensor"]):
    """The tensors of one or several safetensors files by name; each is read when it is asked for."""

    def __init__(self, folder: Path, files: Iterable[Any], promised: Iterable[str]) -> None:
        """files: opened ones. promised: tensors that an index names. Raises SpecError where no file has one."""
        self._opened = list(files)
        self._files: dict[str, Any] = {}
        for file in self._opened:
            for name in file.keys():  # noqa: SIM118 (no mapping)
                self._files.setdefault(name, file)
        if lost := [name for name in promised if name not in self._files]:
            more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
            raise bad(folder / INDEX, f"promises {', '.join(lost[:3])}{more}, which no file has: is it all there?")

    def __getitem__(self, name: str) -> Tensor:
        return self._files[name].get_tensor(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def shapes(self) -> dict[str, list[int]]:
        return {name: file.get_slice(name).get_shape() for name, file in self._files.items()}

    @property
    def metadata(self) -> dict[str, str]:
        """What the files say beside their tensors."""
        return {name: text for file in self._opened for name, text in (file.metadata() or {}).items()}

    @property
    def dtype(self) -> torch.dtype:
        """The widest floating dtype among the tensors."""
        import torch

        kinds = {file.get_slice(name).get_dtype(): name for name, file in self._files.items()}
        found = [dtype for name in kinds.values() if (dtype := self[name].dtype).is_floating_point]
        widest = found[0] if found else torch.get_default_dtype()
        for dtype in found:
            widest = torch.promote_types(widest, dtype)
        return widest


@contextlib.contextmanager
def tensors_in(folder: Path) -> Iterator[TensorFiles]:
    """The tensors of a folder: of model.safetensors, or of the files that its index names.

    Raises SpecError for a folder without them, with files that cannot be read, or with pickles alone.
    """
    from safetensors import SafetensorError, safe_open

    with contextlib.ExitStack() as stack:
        index = _index(folder)
        files = []
        for name in dict.fromkeys(index.values()) or [WEIGHTS]:
            path = folder / name
            if not path.is_file():
                raise _absent(folder, name)
            try:
                files.append(stack.enter_context(safe_open(path, framework="pt", device="cpu")))
            except SafetensorError as error:
                raise bad(path, f"is damaged ({error})" if not _is_pointer(path) else _POINTER) from None
        yield TensorFiles(folder, files, index)


_POINTER = "is a pointer of git-lfs, not the weights: `git lfs pull` in its folder fetches them"


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(24) == b"version https://git-lfs."


def _index(folder: Path) -> dict[str, str]:
    """The file of each tensor, as the index says; nothing without one."""
    path = folder / INDEX
    if not path.is_file() or (folder / WEIGHTS).is_file():
        return {}
    found = read_json(path).get("weight_map")
    if not isinstance(found, dict) or not found or not all(isinstance(name, str) for name in found.values()):
        raise bad(path, "has no weight_map from tensors to files")
    for name in set(found.values()):
        # a name with a folder in it could lead anywhere on this machine
        if Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise bad(path, f"names {quoted(name)}, which is not a safetensors file of the same folder")
    return found


def _absent(folder: Path, name: str) -> SpecError:
    pickles = sorted(file.name for pattern in PICKLES for file in folder.glob(pattern))
    if not pickles:
        return bad(folder, f"has no {name}")
    return bad(
        folder,
        f"has {pickles[0]} but no {name}. That is a pickle, and to read a pickle is to run the code that is in it. "
        "Take the model's safetensors version; or, if you trust the file, load it with the library that wrote it and "
        "save it again as safetensors",
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises SpecError when the file holds anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise bad(path, f"cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise bad(path, "is not a JSON object")
    return found


def bad(path: Path, what: str) -> SpecError:
    return SpecError([Problem("", f"{path} {what}")])


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    from safetensors.torch import save_file

    # the first is what transformers looks for
    save_file(dict(tensors), path, metadata={"format": "pt", **metadata})


def write_folder(target: Path, write: Callable[[Path], None]) -> None:
    """Make a folder and what `write` puts into it: all of it appears at once, or nothing.

    Raises SpecError for a folder that is there and not empty.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise bad(target, "exists and is not empty; choose another folder, or remove it first")
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    try:
        write(new)
        for file in [*new.iterdir(), new]:
            handle = os.open(file, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
        # an empty folder may be replaced
        os.replace(new, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
