"""New sentences out of clips of one voice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHORTEST_PAUSE, LONGEST_PAUSE = -0.06, 0.1
"""Seconds between two clips; below 0 they run into each other."""


class Joiner:
    """Draws clips that follow a clip, all by its voice, until there are so many words.

    voices: who says each clip; words: how many words each has; most: the most words that are joined, 1 for no joining.
    """

    def __init__(self, voices: Sequence[str], words: Sequence[int], most: int) -> None:
        self.words = np.array(words)
        self.most = most
        by_voice: dict[str, list[int]] = {}
        for clip, voice in enumerate(voices):
            by_voice.setdefault(voice, []).append(clip)
        self._same = [np.array(by_voice[voice]) for voice in voices]

    def follow(self, clip: int, words: int, random: np.random.Generator) -> list[int]:
        """The clip itself, and those that come after it, `words` words together at most unless it has more itself."""
        found, room = [clip], words - int(self.words[clip])
        while room > 0:
            fitting = self._same[clip][self.words[self._same[clip]] <= room]
            if not len(fitting):
                break
            found.append(int(random.choice(fitting)))
            room -= int(self.words[found[-1]])
        return found


def joined(waves: Sequence[np.ndarray], rate: int, random: np.random.Generator) -> np.ndarray:
    """Waves one after the other with pauses of drawn length; where a pause is below 0 they overlap. -> float32 [n]."""
    whole = waves[0]
    for wave in waves[1:]:
        pause = int(rate * random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))
        start = max(0, len(whole) + pause)
        longer = np.zeros(max(start + len(wave), len(whole)), dtype=np.float32)
        longer[: len(whole)] = whole
        longer[start : start + len(wave)] += wave
        whole = longer
    return whole
