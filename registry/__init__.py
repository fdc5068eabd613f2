"""Look-up, loading, checking and assembling of parts. Knows no part by name; imports torch only when it builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.part import Build, Builder, MultipleOf, Need, build, part, preset

if TYPE_CHECKING:
    from registry.assembly import assemble
    from registry.errors import SpecError

__all__ = ["Build", "Builder", "MultipleOf", "Need", "SpecError", "assemble", "build", "part", "preset"]

_LAZY = {"assemble": "registry.assembly", "SpecError": "registry.errors"}


def __getattr__(name: str) -> Any:
    """Load what needs yaml or torch on first use, so that importing a block loads neither."""
    if name not in _LAZY:
        raise AttributeError(f"module 'registry' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
