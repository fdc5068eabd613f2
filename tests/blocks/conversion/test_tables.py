"""Every table that ships."""

from __future__ import annotations

import blocks.conversion
from registry.catalog import Catalog


def test_all_are_there_with_the_package() -> None:
    missing = [
        entry["name"] for entry in Catalog.load().of("conversion") if entry["name"] not in vars(blocks.conversion)
    ]
    assert not missing


def test_no_two_read_the_same_model_type() -> None:
    found = [name for entry in Catalog.load().of("conversion") for name in entry["reads"]]
    assert len(found) == len(set(found)), sorted(name for name in found if found.count(name) > 1)
