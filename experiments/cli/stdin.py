"""Lines of the standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator


def stdin_lines() -> Iterator[str]:
    """The lines that are not empty, as they come. Raises BadData for one that is not UTF-8."""
    from experiments.data.errors import BadData

    for row, raw in enumerate(sys.stdin.buffer, start=1):
        try:
            line = raw.decode("utf-8-sig" if row == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise BadData("standard input", f"not UTF-8: byte 0x{raw[error.start]:02x}", row=row) from None
        if line.strip():
            yield line
