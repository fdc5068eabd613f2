"""Every check of the contract has been seen to fail: on a part with one mistake, made for it."""

from __future__ import annotations

import pytest

from blocks.contract import Broken, checks_for
from blocks.contract.check import checks
from blocks.contract.subject import FAMILIES

from . import (
    broken_attention,
    broken_backbones,
    broken_conversions,
    broken_models,
    broken_parts,
    broken_positions,
    broken_scalings,
)
from .honest import Honest

BUGS = [
    *broken_attention.BUGS,
    *broken_positions.BUGS,
    *broken_scalings.BUGS,
    *broken_parts.BUGS,
    *broken_backbones.BUGS,
    *broken_models.BUGS,
    *broken_conversions.BUGS,
]


# Numbers asked of a meta tensor, and batches that do not fit: torch stops these mistakes by itself.
STOPPED_BY_TORCH = {
    "runs on the meta device",
    "beams can be reordered while decoding",
    "decoding reads a source that was projected once",
}


@pytest.mark.parametrize(("family", "broken", "name"), BUGS, ids=[f"{b.__name__}-{name}" for _, b, name in BUGS])
def test_a_mistake_is_caught_by_the_check_that_is_meant_for_it(family: str, broken: type, name: str) -> None:
    options = {"prefix": True} if "prefix" in name else {}
    subject, applying = checks_for(family, broken, **options)
    [check] = [c for c in applying if c.name == name]
    with pytest.raises((Broken, RuntimeError) if name in STOPPED_BY_TORCH else Broken) as caught:
        check.run(subject)
    assert str(caught.value)


def test_every_check_is_seen_to_fail() -> None:
    checks_for("norm", "rms")
    seen = {(family, name) for family, _, name in BUGS}
    assert not {(f, c.name) for f in FAMILIES for c in checks()[f]} - seen


@pytest.mark.parametrize("check", checks_for("attention", Honest)[1], ids=lambda c: c.name)
def test_the_kind_that_the_mistakes_start_from_is_right(check) -> None:  # type: ignore[no-untyped-def]
    check.run(checks_for("attention", Honest)[0])
