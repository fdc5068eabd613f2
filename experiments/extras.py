"""The one error of a library that is asked for but not installed."""

from __future__ import annotations


class MissingExtra(ImportError):
    """A library that an optional feature needs is not installed. The message names the extra to install."""
