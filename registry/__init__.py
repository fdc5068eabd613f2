"""Look-up, loading, checking and assembling of parts. Knows no part by name; imports torch only when it builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.part import Build, Builder, Caveat, MultipleOf, Need, build, part, preset

if TYPE_CHECKING:
    from registry.assembly import assemble
    from registry.checkpoint_errors import CheckpointError
    from registry.errors import SpecError
    from registry.pretrained import load_pretrained, save_pretrained

__all__ = [
    "Build",
    "Builder",
    "Caveat",
    "CheckpointError",
    "MultipleOf",
    "Need",
    "SpecError",
    "assemble",
    "build",
    "load_pretrained",
    "part",
    "preset",
    "save_pretrained",
]

_LAZY = {
    "CheckpointError": "registry.checkpoint_errors",
    "SpecError": "registry.errors",
    "assemble": "registry.assembly",
    "load_pretrained": "registry.pretrained",
    "save_pretrained": "registry.pretrained",
}


def __getattr__(name: str) -> Any:
    """Load what needs yaml or torch on first use, so that importing a block loads neither."""
    if name not in _LAZY:
        raise AttributeError(f"module 'registry' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
