"""The setting that a budget is solved for: where it stands, and whether it can be solved for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from registry.errors import did_you_mean

KNOBS = {
    "width": "model.dim",
    "hidden": "model.feedforward.hidden",
    "depth": "model.layers",
    "heads": "model.heads",
    "steps": "trainer.max_steps",
}
"""Names for the settings that are solved for most. In a model of two stacks, depth means the layers of both, and all
of these what the stacks share: a stack that says otherwise under `encoder` or `decoder` keeps what it says."""

_MOST_LAYERS = 512
_MOST = 10**9
_START = 64
_OUTSIDE = ("sweep", "seed", "name", "about", "plugins", "loggers")


def path_of(knob: str) -> str:
    """The path of a knob's setting."""
    return KNOBS.get(knob, knob)


def most(path: str) -> int:
    """The largest value that is tried; layers are built one by one, so that not as many of them are."""
    counts_layers = path.endswith((".layers", "layers.count"))
    return _MOST_LAYERS if counts_layers else _MOST


def start(present: int | None) -> int:
    """Where a search begins, from the value that the setting has."""
    return present or _START


def fault_of(knob: str, full: Mapping[str, Any], settings: Sequence[tuple[str, Any]]) -> str | None:
    """Why a full spec cannot be solved for the knob, in words that follow its path, or None.

    settings: what sets the spec's variant apart.
    """
    path = path_of(knob)
    if path.split(".")[0] in _OUTSIDE:
        return f"is no setting of a trial that can be solved for; use {_known()}, or the path of a whole number"
    if any(_says(name, value, path) for name, value in settings):
        return "is set by the sweep itself (axes, zip, random, variants or overrides), and a budget would overwrite it"
    here: Any = full
    for step in path.split("."):
        if not isinstance(here, Mapping) or step not in here:
            hint = did_you_mean(knob, [*KNOBS, *_numbers(full)])
            return f"hits no setting.{hint} Use {_known()}, or the path of a whole number"
        here = here[step]
    if here is None or (isinstance(here, int) and not isinstance(here, bool)):
        return None
    if isinstance(here, Mapping) and isinstance(here.get("count"), int):
        return f"is no whole number but a pattern; solve for {path}.count"
    if isinstance(here, list) and path.endswith("layers"):
        return f"is no whole number but a list; write {{count: {len(here)}, pattern: [...]}} and solve for {path}.count"
    return f"is no whole number; use {_known()}, or the path of one"


def present(path: str, full: Mapping[str, Any]) -> int | None:
    """The value that a setting has, None where it follows from others."""
    here: Any = full
    for step in path.split("."):
        here = here[step]
    return None if here is None else int(here)


def _says(name: str, value: Any, path: str) -> bool:
    """Whether setting `name` to a value, perhaps a whole block, says what stands at a path."""
    if name == path:
        return True
    if not path.startswith(f"{name}."):
        return False
    for step in path.removeprefix(f"{name}.").split("."):
        if not isinstance(value, Mapping) or step not in value:
            return False
        value = value[step]
    return True


def _numbers(full: Any, before: str = "") -> Iterator[str]:
    """The paths of all whole numbers in a trial's spec."""
    if isinstance(full, Mapping):
        for key, value in full.items():
            if before or key not in _OUTSIDE:
                yield from _numbers(value, f"{before}{key}.")
    elif isinstance(full, int) and not isinstance(full, bool):
        yield before.removesuffix(".")


def _known() -> str:
    return ", ".join(KNOBS)
