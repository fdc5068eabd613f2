"""Rotary positions of config.json files, old form and new."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.conversion import CheckpointError
from blocks.conversion.rope import ROPE, rope_settings, rotary

PLAIN = {"kind": "rotary", "base": 5e5, "layout": "halves", "fraction": 1.0, "scaling": None}


@pytest.mark.parametrize(
    "config",
    [
        {"rope_theta": 5e5},
        {"rope_theta": 5e5, "rope_scaling": {"type": "default"}},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}},
    ],
)
def test_plain(config: dict[str, Any]) -> None:
    assert rotary({**ROPE, **config}) == PLAIN


def test_part_of_the_width_and_the_other_layout() -> None:
    block = {**PLAIN, "layout": "interleaved", "fraction": 0.25}
    assert rotary({**ROPE, "rope_theta": 5e5, "partial_rotary_factor": 0.25}, layout="interleaved") == block
    new = {"rope_parameters": {"rope_theta": 5e5, "partial_rotary_factor": 0.25}}
    assert rotary({**ROPE, **new}, layout="interleaved") == block


SCALINGS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "linear", "factor": 4.0}, {"kind": "linear", "factor": 4.0}),
    (
        {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        {"kind": "llama3", "factor": 8.0, "slow": 1.0, "fast": 4.0, "original_length": 8192},
    ),
    ({"rope_type": "yarn", "factor": 4.0}, {"kind": "yarn", "factor": 4.0, "original_length": 2048}),
    (
        {"rope_type": "yarn", "factor": 4.0, "mscale": 1.0, "mscale_all_dim": 1.0, "beta_fast": 16},
        {"kind": "yarn", "factor": 4.0, "original_length": 2048, "attention": 1.0, "fast": 16},
    ),
]


@pytest.mark.parametrize(("scaling", "block"), SCALINGS)
def test_scalings(scaling: dict[str, Any], block: dict[str, Any]) -> None:
    old = rotary({**ROPE, "rope_theta": 5e5, "rope_scaling": scaling, "max_position_embeddings": 2048})
    new = rotary({**ROPE, "rope_parameters": {**scaling, "rope_theta": 5e5}, "max_position_embeddings": 2048})
    assert old == new == {**PLAIN, "scaling": block}


def test_what_is_written_is_read_again() -> None:
    block = {"kind": "yarn", "factor": 4.0, "original_length": 64, "fast": 8.0, "slow": 1.0, "truncate": False}
    position = {**PLAIN, "scaling": {**block, "attention": None}}
    assert rotary({**ROPE, **rope_settings(position)}) == {**PLAIN, "scaling": block}
    assert rope_settings(PLAIN) == {"rope_theta": 5e5, "rope_scaling": None}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rope_type": "dynamic", "factor": 2.0}, "'dynamic' is not implemented, only default, linear, "),
        ({"rope_type": "linear", "factor": 2.0, "beta_fast": 3}, "'linear': beta_fast is not implemented"),
        ({"rope_type": "default", "mrope_section": [1, 2]}, "'default': mrope_section is not implemented"),
    ],
)
def test_what_is_not_implemented(given: dict[str, Any], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        rotary({**ROPE, "rope_scaling": given})


def test_a_scaling_that_the_files_have_no_word_for() -> None:
    with pytest.raises(CheckpointError, match="scaling 'ntk' has no name"):
        rope_settings({**PLAIN, "scaling": {"kind": "ntk", "factor": 2.0}})
