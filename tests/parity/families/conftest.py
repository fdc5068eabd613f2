"""Families are compared in float64 alone, without a network."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

# read when transformers is imported
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"


@pytest.fixture(autouse=True)
def dtype() -> Iterator[torch.dtype]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch.float64
    torch.set_default_dtype(before)
