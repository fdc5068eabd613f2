"""Span corruption: T5's rule for which tokens are dropped, and what stands in their place.

As in the authors' code, `random_spans_helper`, `random_spans_noise_mask`, `noise_span_to_unique_sentinel` and
`nonnoise_span_to_unique_sentinel` of t5/data/preprocessors.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.data.documents import Ids


@dataclass(frozen=True)
class Corruption:
    """Raffel et al. 2019, arXiv 1910.10683, sections 3.1.4 and 3.3.4.

    density: share of the tokens that are dropped. mean_span: how many stand together, on average.
    """

    density: float = 0.15
    mean_span: float = 3.0

    def lengths(self, tokens: int) -> tuple[int, int]:
        """Of what is read and what is written for so many tokens of text, each with a sentinel a span and an <eos>."""
        dropped, spans = self._counts(tokens)
        return tokens - dropped + spans + 1, dropped + spans + 1

    def window(self, length: int) -> int:
        """The most tokens of text of which at most `length` are read.

        Raises ValueError where there are none.
        """
        if self.lengths(2)[0] > length:
            raise ValueError(f"no text fits into {length} tokens")
        tokens = 2
        while self.lengths(tokens + 1)[0] <= length:
            tokens += 1
        return tokens

    def spans(self, tokens: int) -> int:
        """How many spans are dropped of so many tokens."""
        return self._counts(tokens)[1]

    def noise(self, tokens: int, rng: np.random.Generator) -> np.ndarray:
        """Which tokens are dropped, bool [n]; the first token never is, the last one always (of two or more)."""
        n = max(tokens, 2)
        dropped, spans = self._counts(n)
        lengths = np.stack([_parts(n - dropped, spans, rng), _parts(dropped, spans, rng)], axis=1).reshape(-1)
        return np.repeat(np.arange(2 * spans) % 2 == 1, lengths)[:tokens]

    def _counts(self, tokens: int) -> tuple[int, int]:
        """How many tokens are dropped, and in how many spans."""
        n = max(tokens, 2)
        dropped = min(max(round(n * self.density), 1), n - 1)
        # more spans than tokens that stay or go cannot be kept apart
        return dropped, min(max(round(dropped / self.mean_span), 1), dropped, n - dropped)


def with_sentinels(ids: Ids, drop: np.ndarray, sentinels: Ids) -> Ids:
    """ids without the dropped tokens, a sentinel for each span of them, in order. ids: [n]; drop: bool [n] -> [k]."""
    starts = drop & ~np.concatenate([[False], drop[:-1]])
    marked = np.where(starts, sentinels[np.cumsum(starts) - 1], ids)
    return marked[~drop | starts]


def _parts(items: int, parts: int, rng: np.random.Generator) -> np.ndarray:
    """Positive whole numbers, `parts` of them with the sum `items`, every such list as likely as any other."""
    starts = rng.permutation(np.arange(items - 1) < parts - 1)
    return np.bincount(np.concatenate([[0], np.cumsum(starts)]), minlength=parts)
