"""Naming content by its hash."""

from __future__ import annotations

import hashlib


def digest(*contents: bytes) -> str:
    """A short hash of several pieces of content."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(len(content).to_bytes(8, "big"))
        whole.update(content)
    return whole.hexdigest()[:16]
