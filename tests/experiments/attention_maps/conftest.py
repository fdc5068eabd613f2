"""Readings made by hand, with tokens that try to break out of a page."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.attention_maps.gather import LayerMaps, StackMaps
from experiments.attention_maps.reading import Guess, Reading, Stream
from experiments.attention_maps.words import Word

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "<!--",
    "\"'&amp;",
    "]]>",
    "</title><b>",
    "$\\frac{1$",
    "{{7*7}}",
    "\u2028",
    "\u4e2d\u6587",
)


def maps(heads: int, queries: int, keys: int, *, causal: bool = False) -> np.ndarray:
    scores = np.exp(np.random.default_rng(heads + queries).normal(0, 2, (heads, queries, keys)))
    scores = scores * np.tri(queries, keys) if causal else scores
    return (scores / scores.sum(-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def reading() -> Reading:
    """Two streams; a decoder with one layer without weights and one with fewer heads."""
    words = [Word(text, special=text == "]]>") for text in HOSTILE]
    guesses = [Guess(word, 0.25) for word in words[:4]]
    silent = LayerMaps(1, "<i>mine</i>", why="attention '<i>mine</i>' has no weights to show: </script>")
    return Reading(
        {"source": Stream(words), "target": Stream(words[:4], guesses)},
        [
            StackMaps("encoder", [LayerMaps(0, "full", range(3), maps(3, 9, 9))]),
            StackMaps(
                "decoder",
                [
                    LayerMaps(0, "full", range(3), maps(3, 4, 4, causal=True)),
                    silent,
                    LayerMaps(2, "full", [0, 2], maps(2, 4, 4, causal=True)),
                ],
            ),
            StackMaps("cross", [LayerMaps(0, "full", range(3), maps(3, 4, 9))]),
        ],
    )
