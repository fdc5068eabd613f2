"""What a masked language model reads: two segments of which the second may follow the first, or one run of sentences.

The first is BERT's (Devlin et al. 2018, arXiv 1810.04805, section 3.1 and appendix A.2; create_pretraining_data of the
authors' code), the other RoBERTa's FULL-SENTENCES (Liu et al. 2019, arXiv 1907.11692, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.data.documents import Documents, Ids

TRIES = 10
"""How often another document is drawn before the same one is taken, as in the authors' code."""


@dataclass(frozen=True)
class Pair:
    """Two segments without special tokens. follows: whether the second comes right after the first in its document."""

    first: Ids
    second: Ids
    follows: bool


def pair(documents: Documents, start: int, room: int, short: float, rng: np.random.Generator) -> Pair:
    """Segments from sentence `start` on, together at most `room` tokens.

    Sentences are taken up to the end of the document or until they fill the room (with probability `short` only a part
    of it, drawn evenly from 2 tokens up). A random number of them are the first segment. The second is the rest, or
    half the time, and always where there is no rest, sentences of another document from a random place on. What is too
    long is cut, a token at a time from the longer segment, at its beginning or its end.
    """
    end_of_document = int(documents.first[documents.document(start) + 1])
    target = int(rng.integers(2, room + 1)) if rng.random() < short else room
    end = _filled(documents, start, end_of_document, target)
    middle = start + 1 if end - start < 2 else start + int(rng.integers(1, end - start))
    first = documents.span(start, middle)
    if follows := middle < end and rng.random() >= 0.5:
        second = documents.span(middle, end)
    else:
        other = _other(documents, documents.document(start), rng)
        stop = int(documents.first[other + 1])
        place = int(rng.integers(documents.first[other], stop))
        second = documents.span(place, _filled(documents, place, stop, target - len(first)))
    return Pair(*_cut(first, second, room, rng), follows)


def full_sentences(documents: Documents, start: int, room: int, separator: int) -> Ids:
    """Whole sentences from `start` on while they fit into `room` tokens, a separator between documents.

    A first sentence that does not fit is cut.
    """
    document = documents.document(start)
    parts = [documents.sentence(start)[:room]]
    length = len(parts[0])
    for number in range(start + 1, documents.sentences):
        between = 1 if number >= documents.first[document + 1] else 0
        length += between + documents.tokens(number, number + 1)
        if length > room:
            break
        document += between
        parts += [np.array([separator])] * between + [documents.sentence(number)]
    return np.concatenate(parts)


def _filled(documents: Documents, start: int, stop: int, target: int) -> int:
    """Where sentences from `start` on end that have at least `target` tokens, or that are all before `stop`."""
    enough = int(np.searchsorted(documents.ends, documents.ends[start] + max(target, 1), side="left"))
    return min(enough, stop)


def _other(documents: Documents, document: int, rng: np.random.Generator) -> int:
    """A document drawn at random, another one than this if it can be."""
    for _ in range(TRIES):
        other = int(rng.integers(len(documents)))
        if other != document:
            break
    return other


def _cut(first: Ids, second: Ids, room: int, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """Both, together at most `room` tokens."""
    bounds = [[0, len(first)], [0, len(second)]]
    while (total := sum(end - begin for begin, end in bounds)) > room:
        longer = bounds[0] if 2 * (bounds[0][1] - bounds[0][0]) > total else bounds[1]
        if rng.random() < 0.5:
            longer[0] += 1
        else:
            longer[1] -= 1
    return first[slice(*bounds[0])], second[slice(*bounds[1])]
