"""Pairs of segments: what follows does follow, what does not is of another document, and nothing is too long."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.data import BadData
from experiments.data.documents import Documents
from experiments.data.sentence_pairs import full_sentences, pair
from experiments.data.tokenizers import Bytes

# each letter stands once, so a segment tells where it is from
TEXT = b"abc\ndef\nghi\njkl\n\n\nmno\npqr\r\nstu\n\nvwx\nyzA\n"
WHOLE = b"".join(TEXT.split())
SECOND, THIRD = WHOLE.index(b"m"), WHOLE.index(b"v")


@pytest.fixture
def documents() -> Documents:
    return Documents.read("text", TEXT, Bytes(4))


def place(segment: np.ndarray) -> int:
    """Where a segment stands in the whole text; it must stand there as it is."""
    return WHOLE.index(bytes(segment.tolist()))


def document(where: int) -> int:
    return (where >= SECOND) + (where >= THIRD)


def test_documents(documents: Documents) -> None:
    assert (len(documents), documents.sentences) == (3, 9)
    assert documents.first.tolist() == [0, 4, 7, 9]
    assert [documents.document(i) for i in range(9)] == [0, 0, 0, 0, 1, 1, 1, 2, 2]
    assert bytes(documents.span(4, 6).tolist()) == b"mnopqr"
    assert documents.tokens(4, 6) == 6
    with pytest.raises(BadData, match="text: there is no sentence: one a line is expected"):
        Documents.read("text", b"\n \n", Bytes())


@pytest.mark.parametrize("short", [0.0, 0.5])
@pytest.mark.parametrize("room", [5, 9, 20])
def test_pairs(documents: Documents, room: int, short: float) -> None:
    follow, lengths = [], set()
    for seed in range(400):
        start = seed % documents.sentences
        found = pair(documents, start, room, short, np.random.default_rng(seed))
        first, second = place(found.first), place(found.second)
        assert len(found.first) >= 1
        assert len(found.second) >= 1
        assert len(found.first) + len(found.second) <= room
        assert document(first) == documents.document(start)
        assert (document(first) == document(second)) == found.follows
        if found.follows:
            # only what was cut off may stand between them
            assert second > first
        if start in (3, 6, 8):
            # the last sentence of a document: nothing follows it
            assert not found.follows
        else:
            follow.append(found.follows)
        lengths.add(len(found.first) + len(found.second))
    if room == 20 and not short:
        assert np.mean(follow) == pytest.approx(0.5, abs=0.12)
    assert max(lengths) == room if room < 20 else max(lengths) > 15


def test_what_follows_is_the_rest_of_the_chunk(documents: Documents) -> None:
    """Where nothing has to be cut, the two segments are the sentences from the first on."""
    seen = set()
    for seed in range(100):
        found = pair(documents, 0, 12, 0.0, np.random.default_rng(seed))
        if found.follows:
            assert bytes([*found.first.tolist(), *found.second.tolist()]) == b"abcdefghijkl"
            seen.add(len(found.first))
    assert seen == {3, 6, 9}


def test_full_sentences(documents: Documents) -> None:
    def text(start: int, room: int) -> bytes:
        return bytes(full_sentences(documents, start, room, ord("|")).tolist())

    assert text(0, 100) == b"abcdefghijkl|mnopqrstu|vwxyzA"
    assert text(0, 9) == text(0, 11) == b"abcdefghi"
    assert text(2, 9) == b"ghijkl"
    assert text(2, 10) == b"ghijkl|mno"
    assert text(8, 10) == b"yzA"
    assert text(8, 2) == b"yz"
