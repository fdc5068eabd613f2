"""The content of files, whole, with errors that name the file and the row."""

from __future__ import annotations

import gzip
import lzma
import zlib
from pathlib import Path

from experiments.data.errors import BadData

COMPRESSED = (".gz", ".xz")


def read_bytes(path: Path | str) -> bytes:
    """The content of a file that must not be empty; of a compressed one (.gz, .xz) what was compressed."""
    try:
        content = Path(path).expanduser().read_bytes()
    except FileNotFoundError:
        raise BadData(path, f"there is no such file (looked for {Path(path).expanduser().absolute()})") from None
    except OSError as error:
        raise BadData(path, f"cannot be read: {error.strerror}") from None
    try:
        match Path(path).suffix.lower():
            case ".gz":
                content = gzip.decompress(content)
            case ".xz":
                content = lzma.decompress(content)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadData(path, f"damaged, or not compressed as its name says: {error}") from None
    if not content.strip():
        raise BadData(path, "the file is empty")
    return content


def read_text(path: Path | str) -> str:
    """The content of a UTF-8 file; a byte-order mark at its start is dropped."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        bad = content[error.start]
        raise BadData(path, f"not UTF-8: byte 0x{bad:02x} at offset {error.start}; save it as UTF-8", row=row) from None


def lines_of(text: str) -> list[str]:
    """At line feeds only: a text may hold other characters that Python takes for the end of a line."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def ending(path: Path | str) -> str:
    """The ending of a file's name, in small letters, without that of a compression: ".tsv" of a.TSV.gz."""
    name = Path(path)
    return (name.with_suffix("") if name.suffix.lower() in COMPRESSED else name).suffix.lower()
