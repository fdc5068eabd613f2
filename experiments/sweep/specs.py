"""The full specs of a sweep's variants: each set of settings is checked once, however many seeds it is trained with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from experiments.start.placing import placed
from experiments.sweep.settings import Settings
from registry.load import Loaded
from registry.resolve import Resolver


class Specs:
    """Full specs by the settings that are laid over the one spec of the sweep.

    They are kept: checking takes about a millisecond, and a sweep asks for the same ones over and over.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        if not any(name.split(".")[0] == "sweep" for name in loaded.composed.references):
            # a trial knows nothing of the sweep around it, which may be the longest part of the file
            self._loaded = loaded.variant([("sweep", None)], "sweep")
        self._follows_seed = "seed" in loaded.composed.references
        self._known: dict[str, dict[str, Any]] = {}
        self._settings: dict[str, dict[str, Any]] = {}

    def of(self, settings: Settings, label: str, seed: int | None = None) -> dict[str, Any]:
        """The full spec, with the spec's own seed unless another is given. Raises SpecError, Incompatible.

        label: of the variant, for the places of errors.
        """
        if seed is not None and self._follows_seed:
            return self._checked((*settings, ("seed", seed)), label)
        full = self._checked(settings, label)
        # specs differ in nothing but the seed, where nothing refers to it
        return full if seed is None else {**full, "seed": seed}

    def value(self, settings: Settings, path: str) -> Any:
        """What the spec says at a path, defaults filled in, whether or not its parts go together; None for nothing."""
        key = _key(settings)
        if key not in self._settings:
            composed = self._loaded.composed.override(settings)
            root = self._loaded.catalog.get("spec", "experiment")
            self._settings[key] = Resolver(self._loaded.catalog, composed).block(root, composed.value)
        return value_at(self._settings[key], path)

    def _checked(self, settings: Settings, label: str) -> dict[str, Any]:
        key = _key(settings)
        if key not in self._known:
            self._known[key] = placed(self._loaded.variant(settings, f"sweep [{label}]")).full
        return self._known[key]


def value_at(full: Any, path: str) -> Any:
    """What stands at a dotted path; a number steps into a list. None where there is nothing."""
    for step in path.split("."):
        if isinstance(full, Mapping):
            full = full.get(step)
        elif isinstance(full, list) and step.isdecimal() and int(step) < len(full):
            full = full[int(step)]
        else:
            return None
    return full


def _key(settings: Settings) -> str:
    return json.dumps(settings)
