"""Settings that are laid over a spec, in their order."""

from __future__ import annotations

from typing import Any

Settings = tuple[tuple[str, Any], ...]
"""(dotted path, value), ...: a later one wins, except that a whole block is set before what is inside it."""
