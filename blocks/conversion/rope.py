"""Rotary positions as config.json files describe them, in the form of transformers 5 and in the one before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from registry.checkpoint_errors import CheckpointError

ROPE: Mapping[str, Any] = {"rope_theta": 10000.0, "rope_scaling": None, "rope_parameters": None}
"""Settings of a table whose `spec` calls `rotary`; max_position_embeddings is then harmless."""

LINEAR = {"factor": "factor"}
LLAMA3 = {
    "factor": "factor",
    "low_freq_factor": "slow",
    "high_freq_factor": "fast",
    "original_max_position_embeddings": "original_length",
}
YARN = {
    "factor": "factor",
    "original_max_position_embeddings": "original_length",
    "beta_fast": "fast",
    "beta_slow": "slow",
    "truncate": "truncate",
    "attention_factor": "attention",
}
SCALINGS = {"linear": LINEAR, "llama3": LLAMA3, "yarn": YARN}
"""Kinds of scaling, with their name of each option -> ours."""


def rotary(config: Mapping[str, Any], *, layout: str = "halves") -> dict[str, Any]:
    """Our position block for the settings in ROPE, and partial_rotary_factor where there is one.

    Raises CheckpointError for a scaling, or an option of one, that is not implemented.
    """
    given = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    kind = given.pop("rope_type", given.pop("type", "default"))
    given.pop("type", None)
    base = given.pop("rope_theta", config["rope_theta"])
    fraction = given.pop("partial_rotary_factor", config.get("partial_rotary_factor", 1.0))
    block = {"kind": "rotary", "base": base, "layout": layout, "fraction": fraction, "scaling": None}
    if kind == "default":
        _refuse_rest(kind, given)
        return block
    if kind not in SCALINGS:
        known = ", ".join(["default", *SCALINGS])
        raise CheckpointError(f"rope_type: '{kind}' is not implemented, only {known}")
    if "original_max_position_embeddings" in SCALINGS[kind]:
        given.setdefault("original_max_position_embeddings", config.get("max_position_embeddings"))
    if kind == "yarn":
        given = _with_attention_factor(given)
    scaling = {ours: given.pop(theirs) for theirs, ours in SCALINGS[kind].items() if given.get(theirs) is not None}
    _refuse_rest(kind, given)
    return {**block, "scaling": {"kind": kind, **scaling}}


def rope_settings(position: Mapping[str, Any]) -> dict[str, Any]:
    """rope_theta and rope_scaling for our position block, which all versions of transformers read."""
    return {"rope_theta": position["base"], "rope_scaling": _scaling(position["scaling"])}


def _scaling(block: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if block is None:
        return None
    if block["kind"] not in SCALINGS:
        raise CheckpointError(f"scaling '{block['kind']}' has no name in config.json; {', '.join(SCALINGS)} have")
    options = {theirs: block[ours] for theirs, ours in SCALINGS[block["kind"]].items() if block[ours] is not None}
    return {"rope_type": block["kind"], **options}


def _with_attention_factor(given: Mapping[str, Any]) -> dict[str, Any]:
    """DeepSeek's mscale and mscale_all_dim as the one factor that they amount to."""
    rest = {key: value for key, value in given.items() if key not in ("mscale", "mscale_all_dim")}
    over, under = (float(given.get(key) or 0) for key in ("mscale", "mscale_all_dim"))
    if over and under and rest.get("attention_factor") is None:
        grown = 0.1 * math.log(max(rest["factor"], 1))
        rest["attention_factor"] = (over * grown + 1) / (under * grown + 1)
    return rest


def _refuse_rest(kind: str, given: Mapping[str, Any]) -> None:
    rest = {key: value for key, value in given.items() if value is not None}
    # what a kind does not use some files say all the same
    if unknown := rest.keys() - {"original_max_position_embeddings", "factor"} if kind == "default" else rest.keys():
        raise CheckpointError(f"rope_type '{kind}': {', '.join(sorted(unknown))} is not implemented")
