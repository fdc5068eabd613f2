"""A full model block, and the settings of a config.json, that tell in words what they do not have."""

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


class Settings(dict[str, Any]):
    """The settings of a config.json. Raises CheckpointError where one is read that its table, `name`, does not list."""

    def __init__(self, settings: Mapping[str, Any], name: str) -> None:
        super().__init__(settings)
        self.name = name

    def __missing__(self, key: str) -> Any:
        raise CheckpointError(f"{self.name} reads '{key}', which is not among its `settings`")


def _wrapped(value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_wrapped(item, f"{path}.{number}") for number, item in enumerate(value)]
    return Block(value, path) if isinstance(value, Mapping) else value
