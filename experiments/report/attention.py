"""Attention maps as the report shows them: pictures, made elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A PNG of one stack's maps. about: what a reader who cannot see it is told."""

    png: bytes
    about: str

    @property
    def address(self) -> str:
        """The picture itself, as an address that needs no network."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


@dataclass(frozen=True)
class AttentionMaps:
    """What one trial attends to while it reads `text`. notes: layers without maps, and why."""

    label: str
    seed: int
    text: str
    pictures: Sequence[Picture]
    notes: Sequence[str] = ()
