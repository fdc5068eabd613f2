"""Hugging Face data sets, by name or from a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.data.errors import BadData
from experiments.data.formats.table import Table, gathered, places
from experiments.extras import MissingExtra
from registry.errors import did_you_mean

PREFIX = "hf:"


def is_hub(path: Path | str) -> bool:
    """Whether this names a data set rather than a file: hf:NAME, hf:NAME:SPLIT or hf:NAME:CONFIGURATION:SPLIT."""
    return str(path).startswith(PREFIX)


def hub(path: Path | str, names: Sequence[str]) -> Table:
    """The named columns of one split; numbers of classes become their names.

    NAME is a data set of the hub, or a folder: what `save_to_disk` wrote, or files that `load_dataset` reads. The split
    may be left out where there is only one. Raises BadData, and MissingExtra without the library.
    """
    return gathered(path, names, _records(path, names))


def _records(path: Path | str, names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
    found = _split(path)
    places(path, names, found.column_names, "its columns are", row=None)
    chosen = found.select_columns(list(names)).with_format(None)
    words = {name: feature.names for name, feature in chosen.features.items() if hasattr(feature, "names")}
    for row, record in enumerate(chosen, start=1):
        yield row, [_named(record[name], words.get(name)) for name in names]


def _named(value: Any, words: Sequence[str] | None) -> Any:
    """The name of a class for its number; a number that stands for none (-1) is null."""
    if words is None or not isinstance(value, int):
        return value
    return words[value] if 0 <= value < len(words) else None


def _split(path: Path | str) -> Any:
    name, configuration, split = _parsed(path)
    folder = Path(name).expanduser()
    try:
        import datasets
    except ModuleNotFoundError:
        raise MissingExtra(f"{path}: Hugging Face data sets need: pip install 'swapformer[datasets]'") from None
    try:
        if any((folder / written).is_file() for written in ("dataset_info.json", "dataset_dict.json")):
            found = datasets.load_from_disk(str(folder))
        else:
            found = datasets.load_dataset(str(folder) if folder.is_dir() else name, configuration)
    # the library raises errors of a dozen libraries below it
    except Exception as error:
        raise BadData(path, f"cannot be loaded: {type(error).__name__}: {error}") from None
    if isinstance(found, datasets.Dataset):
        if split is not None and split != str(found.split):
            raise BadData(path, f"no split '{split}': this folder holds one data set without splits; leave it out")
        return found
    if split is None and len(found) == 1:
        return next(iter(found.values()))
    if split not in found:
        missing = f"no split '{split}'" if split is not None else "which split? End it in :SPLIT"
        hint = did_you_mean(split, list(found)) if split is not None else ""
        raise BadData(path, f"{missing}; there are {', '.join(map(str, found))}.{hint}")
    return found[split]


def _parsed(path: Path | str) -> tuple[str, str | None, str | None]:
    """Name, configuration and split."""
    whole = str(path).removeprefix(PREFIX)
    # a folder may have a colon in its name
    if Path(whole).expanduser().is_dir():
        return whole, None, None
    name, *rest = whole.split(":")
    match rest:
        case []:
            return name, None, None
        case [split]:
            return name, None, split
        case [configuration, split]:
            return name, configuration, split
        case _:
            raise BadData(path, "hf:NAME, hf:NAME:SPLIT or hf:NAME:CONFIGURATION:SPLIT is wanted")
