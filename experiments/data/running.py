"""Running text from files of many kinds: whole texts, tables, folders, and tokens that were made before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.data.content import ending, read_bytes, read_text
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.formats import FORMATS, is_hub, read_table

BETWEEN = b"\n\n"
"""What stands between documents where they are joined: an empty line."""


@dataclass(frozen=True)
class Running:
    """One split. documents: its texts; or ids: int [n], tokens that somebody made before."""

    documents: tuple[bytes, ...] = ()
    ids: np.ndarray | None = None

    @property
    def text(self) -> bytes:
        """Its documents as one text."""
        return BETWEEN.join(self.documents)

    def parted(self, separator: str) -> Running:
        """Its documents cut at lines that are the separator, white space aside; empty documents left out."""
        found: list[bytes] = []
        for document in self.documents:
            lines: list[bytes] = []
            for line in [*document.splitlines(), separator.encode()]:
                if line.strip() != separator.encode().strip():
                    lines.append(line)
                    continue
                if any(kept.strip() for kept in lines):
                    found.append(b"\n".join(lines))
                lines = []
        return Running(tuple(found), self.ids)

    def held_out(self, characters: bool) -> tuple[Running, Running]:
        """The first nine tenths and the last: whole documents where there are several.

        characters: whether a single text is cut between characters of UTF-8, not within one.
        """
        if self.ids is not None:
            cut = len(self.ids) * 9 // 10
            return Running(ids=self.ids[:cut]), Running(ids=self.ids[cut:])
        if len(self.documents) == 1:
            (text,) = self.documents
            cut = len(text) * 9 // 10
            while characters and 0 < cut < len(text) and text[cut] & 0xC0 == 0x80:
                cut -= 1
            return Running((text[:cut],)), Running((text[cut:],))
        ends = np.cumsum([len(document) for document in self.documents])
        # at least one document on either side
        cut = min(max(1, int(np.searchsorted(ends, ends[-1] * 0.9, side="right"))), len(ends) - 1)
        return Running(self.documents[:cut]), Running(self.documents[cut:])

    def digest(self) -> str:
        if self.ids is not None:
            return digest(str(self.ids.dtype).encode(), np.ascontiguousarray(self.ids).data.cast("B"))
        return digest(*self.documents)


def read_running(path: Path, column: str, needs_text: bool) -> Running:
    """The documents of a folder of .txt files (one each), of a table's column (one a row), or a file that is one text;
    or the tokens of a .npy file. Raises BadData."""
    if ending(path) == ".npy":
        return Running(ids=read_tokens(path))
    if is_hub(path) or ending(path) in FORMATS.keys() - {".txt"}:
        return Running(tuple(text.encode() for text in read_table(path, [column]).columns[column]))
    folder = path.expanduser()
    paths = [path]
    if folder.is_dir():
        paths = sorted(file for file in folder.iterdir() if ending(file) == ".txt" and file.is_file())
        if not paths:
            raise BadData(path, "there is no text in the folder (looked for .txt, also .gz and .xz)")
    return Running(tuple(read_text(file).encode() if needs_text else read_bytes(file) for file in paths))


def read_tokens(path: Path) -> np.ndarray:
    """The token ids [n] of a .npy file, mapped into memory. Writing to them changes no file. Raises BadData."""
    try:
        found: np.ndarray = np.load(path.expanduser(), mmap_mode="c", allow_pickle=False)
    except FileNotFoundError:
        raise BadData(path, f"there is no such file (looked for {path.expanduser().absolute()})") from None
    except (OSError, ValueError, EOFError) as error:
        raise BadData(path, f"no .npy file of numbers, or damaged: {error}") from None
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise BadData(path, f"token ids are one axis of whole numbers, not {found.ndim} axes of {found.dtype}")
    if not len(found):
        raise BadData(path, "the file is empty")
    # torch knows no other byte order
    return found.astype(found.dtype.newbyteorder("="), copy=False)


def check_tokens(path: Path | str, ids: np.ndarray, vocab: int) -> None:
    """Raises BadData unless every id is one of the vocabulary; the row is the place of the first that is not."""
    # by pieces, so that a mapped file does not fill the memory
    for start in range(0, len(ids), 2**24):
        piece = ids[start : start + 2**24]
        wrong = (piece < 0) | (piece >= vocab)
        if wrong.any():
            place = int(wrong.argmax())
            about = f"token id {piece[place]}, but the tokenizer has {vocab} tokens, numbered from 0"
            raise BadData(path, about, row=start + place + 1)


def joined(documents: Sequence[np.ndarray], mark: int) -> np.ndarray:
    """Documents one after the other, with the mark in front of each and behind the last, int32 [n]."""
    end = np.array([mark], dtype=np.int32)
    return np.concatenate([part.astype(np.int32) for ids in documents for part in (end, ids)] + [end])
