"""The spec of one trial: what it must say, what is kept of the full spec, what of it decides the result, and the id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from registry.errors import Problem, SpecError


def require_training(full: Mapping[str, Any]) -> None:
    """Raises SpecError unless the spec says everything that training needs."""
    missing = [Problem("", f"to train, the spec needs `{name}:`") for name in ("data", "task") if full[name] is None]
    trainer = full["trainer"]
    if trainer["max_steps"] is None and trainer["max_epochs"] is None:
        missing.append(Problem("trainer", "set max_steps or max_epochs, or the training would never end"))
    if missing:
        raise SpecError(missing)


def alone(full: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a trial as it is saved: without the sweep around it, and without plug-ins, which a command names."""
    return {**full, "sweep": None, "plugins": None}


def content(full: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a trial's result: the full spec without names, notes and the sweep around it.

    What a training starts from is its content, wherever it lies.
    """
    outside = {"name", "about", "sweep", "plugins", "loggers"}
    kept = {key: value for key, value in full.items() if key not in outside}
    start = kept.pop("init_from", None)
    if isinstance(start, Mapping) and start.get("content") is not None:
        start = {key: value for key, value in start.items() if key != "path"}
    return kept if start is None else {**kept, "init_from": start}


def trial_id(full: Mapping[str, Any]) -> str:
    """Hash of everything that decides the result, the seed included; 12 hexadecimal digits."""
    text = json.dumps(content(full), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
