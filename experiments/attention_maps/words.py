"""Tokens as people read them: spaces, line ends and single bytes visible."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MARKS = {" ": "\u2423", "\n": "\u21b5", "\t": "\u21e5"}
"""What stands for white space: an open box, a return arrow, a tabulator arrow."""
SIGNS = "\u2423 is a space, \u21b5 the end of a line, \u21e5 a tabulator"
SUBSCRIPTS = "\u2081\u2082\u2083\u2084"
DOTTED_CIRCLE = "\u25cc"


@dataclass(frozen=True)
class Word:
    """A token on a map. text: never empty, white space visible. special: it stands for no text."""

    text: str
    special: bool = False


def readable(pieces: Sequence[bytes | None], specials: Sequence[str]) -> list[Word]:
    """The words of tokens that stand for these bytes; where they are None, of `specials` at the same place.

    The bytes of one character that fell into several tokens show as the character and their numbers; what is no UTF-8
    shows as \\xNN.
    """
    words: list[Word] = []
    while len(words) < len(pieces):
        first = len(words)
        piece = pieces[first]
        if piece is None:
            words.append(Word(specials[first], special=True))
        else:
            words += [Word(visible(text)) for text in _texts(pieces, first)]
    return words


def visible(text: str) -> str:
    """White space as signs, what does not print as an escape, an accent without its letter on a dotted circle."""
    shown = "".join(MARKS.get(char) or (char if char.isprintable() else _escape(char)) for char in text)
    if not shown:
        return "\u2205"
    return DOTTED_CIRCLE + shown if unicodedata.combining(shown[0]) else shown


def _texts(pieces: Sequence[bytes | None], first: int) -> list[str]:
    """The text of the piece at `first`, together with those that follow it within a character."""
    joined = b""
    for last in range(first, min(first + len(SUBSCRIPTS), len(pieces))):
        piece = pieces[last]
        if piece is None:
            break
        joined += piece
        try:
            text = joined.decode()
        except UnicodeDecodeError:
            continue
        if last == first:
            return [text]
        if len(text) == 1:
            return [text + SUBSCRIPTS[place] for place in range(last - first + 1)]
        return [_bytes(part) for part in pieces[first : last + 1] if part is not None]
    return [_bytes(pieces[first] or b"")]


def _bytes(piece: bytes) -> str:
    return piece.decode(errors="backslashreplace")


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
