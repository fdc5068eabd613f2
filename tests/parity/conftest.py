"""Both precisions of every parity test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True, params=[torch.float64, torch.float32], ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> Iterator[torch.dtype]:
    """The default dtype while the test runs."""
    before = torch.get_default_dtype()
    torch.set_num_threads(1)
    torch.set_default_dtype(request.param)
    yield request.param
    torch.set_default_dtype(before)
