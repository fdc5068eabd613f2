"""A full model block that tells, in words, what it does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.checkpoint_errors import CheckpointError


class Block(dict[str, Any]):
    """A full model block. Raises CheckpointError where an option is asked for that its kind does not have."""

    def __init__(self, block: Mapping[str, Any], path: str = "model") -> None:
        super().__init__({key: _wrapped(value, f"{path}.{key}") for key, value in block.items()})
        self.path = path

    def __missing__(self, key: str) -> Any:
        kind = self.get("kind", self.get("topology"))
        raise CheckpointError(f"{self.path} '{kind}' has no option '{key}'")


def _wrapped(value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_wrapped(item, f"{path}.{number}") for number, item in enumerate(value)]
    return Block(value, path) if isinstance(value, Mapping) else value
