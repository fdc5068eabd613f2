"""Reading JSON that may be missing, torn or of the wrong shape: neutral values instead of failures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_json(path: Path, problems: list[str]) -> dict[str, Any] | None:
    """The object stored in `path`; None, and a line in `problems`, where there is none that can be read."""
    try:
        raw = json.loads(path.read_bytes())
    except FileNotFoundError:
        problems.append(f"{path.name} is missing")
    except (OSError, ValueError, RecursionError) as error:
        # ValueError covers both broken JSON and broken UTF-8.
        problems.append(f"{path.name} cannot be read: {error}")
    else:
        if isinstance(raw, dict):
            return raw
        problems.append(f"{path.name} holds a {type(raw).__name__} where an object was expected")
    return None


def text(value: object, default: str = "") -> str:
    """A string as it is, a number written out, `default` for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    return default


def number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        as_float = float(value)
    except OverflowError:
        return None
    return as_float if math.isfinite(as_float) else None


def whole(value: object) -> int | None:
    """A whole number, or None."""
    found = number(value)
    return None if found is None or found != int(found) else int(found)


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a JSON array; anything else in it is dropped."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def texts(value: object) -> dict[str, str]:
    """A JSON object with its values as strings."""
    return {str(key): text(entry, default=json.dumps(entry, default=str)) for key, entry in mapping(value).items()}


def numbers(value: object) -> dict[str, float]:
    """The finite numbers of a JSON object."""
    found = {str(key): number(entry) for key, entry in mapping(value).items()}
    return {key: entry for key, entry in found.items() if entry is not None}
