"""The plug-ins of a test are forgotten after it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from registry.part import _PARTS


@pytest.fixture(autouse=True)
def _forget_plugins() -> Iterator[None]:
    yield
    for key in [key for key, part in _PARTS.items() if part.target.__module__.startswith("swapformer_plugin_")]:
        del _PARTS[key]
    for name in [name for name in sys.modules if name.startswith("swapformer_plugin_")]:
        del sys.modules[name]
