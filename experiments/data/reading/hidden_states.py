"""Symbols that hidden states give out, an example of what labels single symbols: proteins and the like.

A chain of states, each likely to stay as it is; every symbol is drawn by the state at its place. Since the rule is
known, so is the best that anyone can do: the likeliest state at each place given the whole sequence, by the
forward-backward recursion (Rabiner 1989, A tutorial on hidden Markov models, section III.B).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from experiments.data.reading.label_counts import scores
from experiments.data.reading.tagged import Tagged

STATES = ("C", "E", "H")
"""The letters of coil, strand and helix; what follows is no protein."""
SYMBOLS = "ACDEFGHIKLMNPQRSTVWY"
COUNTS = {"train": 2000, "valid": 200, "test": 300}
SHORTEST, LONGEST = 60, 240
STAYS = np.array([0.88, 0.84, 0.92])
"""The chance that a state stays for one more symbol: stretches of 8, 6 and 12 symbols on average."""


def moves() -> np.ndarray:
    """p(next state | state), [3 3]: where a state does not stay, it becomes any other alike."""
    others: np.ndarray = np.tile(((1 - STAYS) / 2)[:, None], (1, 3))
    np.fill_diagonal(others, STAYS)
    return others


def emissions() -> np.ndarray:
    """p(symbol | state), [3 20]."""
    weights = np.random.default_rng(20).dirichlet(np.full(len(SYMBOLS), 2.0), size=len(STATES))
    return np.asarray(weights)


def start() -> np.ndarray:
    """p(state) in the long run, [3]."""
    shares: np.ndarray = np.linalg.matrix_power(moves(), 1000)[0]
    return shares


def hidden_states(split: str) -> list[Tagged]:
    """The sequences of a split, the same ones each time; `row` counts them from 1."""
    dice = np.random.default_rng([list(COUNTS).index(split), 1989])
    # without the last sum, which may fall short of 1 by rounding
    begin, *_ = start().cumsum()[None, :-1].tolist()
    move, emit = moves().cumsum(1)[:, :-1].tolist(), emissions().cumsum(1)[:, :-1].tolist()
    found = []
    for row in range(1, COUNTS[split] + 1):
        length = int(dice.integers(SHORTEST, LONGEST + 1))
        steps, draws = dice.random(length).tolist(), dice.random(length).tolist()
        state, states = bisect_left(begin, dice.random()), []
        for step in steps:
            state = bisect_left(move[state], step)
            states.append(state)
        symbols = [SYMBOLS[bisect_left(emit[s], draw)] for s, draw in zip(states, draws, strict=True)]
        found.append(Tagged(symbols, [STATES[s] for s in states], row))
    return found


def chances(symbols: Sequence[str]) -> np.ndarray:
    """p(state at each place | the whole sequence), by the rule: [n 3]."""
    seen = emissions()[:, [SYMBOLS.index(s) for s in symbols]].T
    move, n = moves(), len(symbols)
    forward, backward = np.empty((n, len(STATES))), np.ones((n, len(STATES)))
    before = start()
    for i in range(n):
        here = (before @ move) * seen[i]
        forward[i] = before = here / here.sum()
    for i in range(n - 2, -1, -1):
        after = move @ (seen[i + 1] * backward[i + 1])
        backward[i] = after / after.sum()
    both: np.ndarray = forward * backward
    return both / both.sum(1, keepdims=True)


def likeliest(symbols: Sequence[str]) -> list[str]:
    """The likeliest state at each place: the best possible answer."""
    return [STATES[int(state)] for state in chances(symbols).argmax(1)]


def optimum(sequences: Sequence[Tagged]) -> dict[str, float]:
    """Scores of the best possible answers."""
    return scores([likeliest(each.units) for each in sequences], sequences)
