"""Which dotted paths lead to a setting of a spec that a sweep may vary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.errors import did_you_mean

NOT_OF_A_TRIAL = {
    "seed": "use sweep.seeds",
    "metric": "variants are compared by one metric",
    "sweep": "it is no setting of a trial",
    "plugins": "it is no setting of a trial",
    "name": "it is no setting of a trial",
}
"""What a sweep may not vary, and why."""


def fault(full: Mapping[str, Any], path: str) -> str | None:
    """Why a path is no setting that a sweep may vary, in words, or None."""
    first = path.split(".")[0]
    if first in NOT_OF_A_TRIAL:
        return f"cannot be varied: {NOT_OF_A_TRIAL[first]}"
    if not reaches(full, path):
        of_a_trial = [known for known in paths(full) if known.split(".")[0] not in NOT_OF_A_TRIAL]
        return f"hits no setting of the spec.{did_you_mean(path, of_a_trial)}"
    return None


def reaches(full: Any, path: str) -> bool:
    """Whether a dotted path leads to a setting; below a block that another kind may fill, the values' check decides."""
    here = full
    for step in path.split("."):
        if here is None or (isinstance(here, Mapping) and "kind" in here and step not in here):
            return here is not full
        if isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        elif isinstance(here, Mapping) and step in here:
            here = here[step]
        else:
            return False
    return True


def paths(full: Any, before: str = "") -> list[str]:
    """All dotted paths of a spec."""
    if not isinstance(full, Mapping):
        return []
    found = [f"{before}{key}" for key in full]
    return found + [path for key, value in full.items() for path in paths(value, f"{before}{key}.")]
