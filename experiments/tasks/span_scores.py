"""How SQuAD compares an answer with the right one: in small letters, without marks and articles."""

from __future__ import annotations

import re
import string
from collections import Counter

_MARKS = str.maketrans("", "", string.punctuation)


def words(answer: str) -> list[str]:
    return re.sub(r"\b(a|an|the)\b", " ", answer.lower().translate(_MARKS)).split()


def exact_match(found: str, right: str) -> float:
    """1 or 0."""
    return float(words(found) == words(right))


def token_f1(found: str, right: str) -> float:
    """Harmonic mean of the shares of words that the two have in common; Rajpurkar et al. 2016, section 6.1."""
    a, b = words(found), words(right)
    if not a or not b:
        return float(a == b)
    common = sum((Counter(a) & Counter(b)).values())
    return 2 * common / (len(a) + len(b))
