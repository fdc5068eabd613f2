"""The lines that translations have to beat, on sentences that one can read."""

from __future__ import annotations

import pytest

from benchmarks.recipes.baselines.translation import dictionary, nearest, word_by_word

SOURCE = ["the house", "the book", "a house", "a green book", "green"]
TARGET = ["das haus", "das buch", "ein haus", "ein grünes buch", "grünes"]


def test_the_dictionary_learns_which_words_go_together() -> None:
    table = dictionary(SOURCE, TARGET)
    assert table == {"the": "das", "house": "haus", "book": "buch", "a": "ein", "green": "grünes"}


def test_word_by_word_keeps_capitals_and_what_it_does_not_know() -> None:
    table = dictionary(SOURCE, TARGET)
    assert word_by_word("The green house, Ada?", table) == "Das grünes haus, Ada?"


@pytest.mark.parametrize(
    ("text", "right"), [("my green book", "ein grünes buch"), ("the house", "das haus"), ("?", "das haus")]
)
def test_the_nearest_sentence(text: str, right: str) -> None:
    assert nearest(SOURCE, TARGET, [text]) == [right]
