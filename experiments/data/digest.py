"""Naming content by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def digest(*contents: bytes | memoryview) -> str:
    """A short hash of several pieces of content."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(len(content).to_bytes(8, "big"))
        whole.update(content)
    return whole.hexdigest()[:16]


def chained(before: str, batch: Mapping[str, Tensor]) -> str:
    """The digest of what came `before` and of a batch: its names, shapes and numbers."""
    whole = hashlib.sha256(before.encode())
    for name, tensor in sorted(batch.items()):
        whole.update(f"{name} {tensor.dtype} {list(tensor.shape)};".encode())
        numbers = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        whole.update(numbers.data)
    return whole.hexdigest()[:16]
