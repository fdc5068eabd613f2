"""Every part is in reach from its family's package: that is where contract tests look for it."""

from __future__ import annotations

import importlib

import pytest

from registry.catalog import Catalog, Entry

OWN = [entry for entry in Catalog.load().entries.values() if entry["provider"] == "blocks"]


@pytest.mark.parametrize("entry", OWN, ids=lambda entry: f"{entry['family']}/{entry['kind']}")
def test_a_family_names_its_parts(entry: Entry) -> None:
    package = importlib.import_module(f"blocks.{entry['family']}")
    assert entry["name"] in package.__all__
