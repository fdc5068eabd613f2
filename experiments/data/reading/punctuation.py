"""Text whose marks and capitals were taken off, to be put back."""

from __future__ import annotations

import re
from collections.abc import Sequence

from experiments.data.reading.tagged import Tagged

MARKS = ("", ",", ".")
LABELS = tuple(case + mark for case in ("lower", "Capital") for mark in MARKS)
"""Of a word: does it start with a capital, and does a pause or an end follow it?"""

_STANDS_FOR = {";": ",", ":": ",", "!": ".", "?": "."}
_WORD = re.compile(r"[^\W_]+(?:[^\w\s]+[^\W_]+)*%?")


def stripped(text: str) -> tuple[list[str], list[str]]:
    """Words in small letters without the marks around them, and a label for each. Marks within a word stay.

    Of several marks after a word the first counts. Semicolons and colons, of which there are few, count as commas,
    question and exclamation marks as full stops; brackets, quotes and dashes that stand alone are left out.
    """
    words, labels = [], []
    for piece in text.split():
        found = _WORD.search(piece)
        if found is None:
            continue
        after = [_STANDS_FOR.get(char, char) for char in piece[found.end() :]]
        mark = next((char for char in after if char in MARKS), "")
        words.append(found[0].lower())
        labels.append(("Capital" if found[0][0].isupper() else "lower") + mark)
    return words, labels


def restored(words: Sequence[str], labels: Sequence[str]) -> str:
    """The text that words and labels tell of."""
    pairs = zip(words, labels, strict=True)
    return " ".join(
        word[:1].upper() + word[1:] + label.removeprefix("Capital")
        if label.startswith("Capital")
        else word + label.removeprefix("lower")
        for word, label in pairs
    )


def speeches(text: str) -> list[Tagged]:
    """Speeches parted by empty lines, each one sequence."""
    found = []
    row = 1
    for speech in text.split("\n\n"):
        words, labels = stripped(speech)
        if words:
            found.append(Tagged(words, labels, row))
        row += speech.count("\n") + 2
    return found
