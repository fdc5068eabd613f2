"""Where the shipped corpora are, and reading text and tables from disk."""

from __future__ import annotations

from pathlib import Path

from experiments.data.content import read_bytes, read_text
from experiments.data.formats import Table, read_table, table_content

__all__ = ["CORPORA", "Table", "read_bytes", "read_table", "read_text", "shipped", "table_content"]

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
"""The texts, images, clips and series that ship with the package, one folder each."""


def shipped(home: Path, name: str) -> Path:
    """A file of a shipped corpus, compressed or not: `home/train.tsv.xz` for the name "train.tsv", if that is there."""
    compressed = home / f"{name}.xz"
    return compressed if compressed.is_file() else home / name
