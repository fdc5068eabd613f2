"""Which tokens two vocabularies of one tokenizer have in common: words first, then the special ones that data need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from experiments.data.tokenizers import Tokenizer


@dataclass(frozen=True)
class Vocabulary:
    """words: how many tokens come from the tokenizer; None if unknown. specials: the ids of special ones by name."""

    words: int | None = None
    specials: Mapping[str, int] = field(default_factory=dict)


UNKNOWN = Vocabulary()


def vocabulary_of(tokenizer: Tokenizer | None) -> Vocabulary:
    """Of a tokenizer that has learned what there is to learn."""
    if tokenizer is None:
        return UNKNOWN
    specials = {name: number for number, name in tokenizer.special_ids().items()}
    return Vocabulary(tokenizer.vocab - tokenizer.specials, specials)


def copy_rows(new: Tensor, old: Tensor, ours: Vocabulary, theirs: Vocabulary) -> int:
    """Give each token of a table [v ...] the row that it has in another one; returns how many that were.

    Words have the same numbers in both, special tokens the same names.
    """
    words = min(*(len(t) if v.words is None else v.words for t, v in ((new, ours), (old, theirs))))
    new[:words] = old[:words].to(new)
    count = words
    for name, number in ours.specials.items():
        if name in theirs.specials and number >= words:
            new[number] = old[theirs.specials[name]].to(new)
            count += 1
    return count
