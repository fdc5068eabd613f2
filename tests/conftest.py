"""One thread and one seed for every test; plug-ins are forgotten after it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import torch

from registry.part import _BY_MODULE, _PARTS, PLUGIN_PREFIX


@pytest.fixture(autouse=True)
def _one_thread_one_seed() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)


@pytest.fixture(autouse=True)
def _forget_plugins() -> Iterator[None]:
    """Parts of plug-ins live as long as a process does; no other test may meet them."""
    yield
    for key in [key for key, part in _PARTS.items() if part.module.startswith(PLUGIN_PREFIX)]:
        del _PARTS[key]
    for name in [name for name in sys.modules if name.startswith(PLUGIN_PREFIX)]:
        del sys.modules[name]
        _BY_MODULE.pop(name, None)
