"""ListOps against a parser, and its trees against the published generator."""

from __future__ import annotations

import random
import statistics

import numpy as np
import pytest

from experiments.data.generated import ListOps
from experiments.data.generated.dice import Dice
from experiments.data.generated.listops import shallow

from .every import batch_of


def value(tokens: list[str]) -> int:
    """What an expression comes to; takes its tokens away."""
    token = tokens.pop(0)
    if not token.startswith("["):
        return int(token)
    arguments = []
    while tokens[0] != "]":
        arguments.append(value(tokens))
    tokens.pop(0)
    match token:
        case "[MIN":
            return min(arguments)
        case "[MAX":
            return max(arguments)
        case "[MED":
            return int(statistics.median(arguments))
    return sum(arguments) % 10


def depth(tokens: list[str]) -> int:
    level = most = 1
    for token in tokens:
        level += token.startswith("[") - (token == "]")
        most = max(most, level)
    return most


@pytest.mark.parametrize(("length", "shortest"), [(40, 5), (100, 50)])
def test_rule(length: int, shortest: int) -> None:
    data = ListOps(0, length=length, shortest=shortest, depth=5, arguments=6, held_out=30)
    batch = batch_of(data, "valid", 30)
    for tokens, valid, label in zip(batch["tokens"], batch["valid"], batch["labels"].tolist(), strict=True):
        row = [data.symbols[i] for i in tokens[valid].tolist()]
        assert {data.symbols[i] for i in tokens[~valid].tolist()} <= {"<pad>"}
        assert row.pop(0) == "<bos>"
        assert shortest < len(row) < length
        assert depth(row) <= 5
        assert value(row) == label
        assert row == []


def slow_tree(dice: random.Random, level: int, most: int, arguments: int) -> list[str]:
    """The published generator, written as a recursion."""
    if level == most or dice.random() > 0.25:
        return [str(dice.randrange(10))]
    inner = [slow_tree(dice, level + 1, most, arguments) for _ in range(dice.randint(2, arguments))]
    return [dice.choice(["[MIN", "[MAX", "[MED", "[SM"]), *(token for part in inner for token in part), "]"]


def test_trees_are_spread_like_the_published_ones() -> None:
    dice, slow = random.Random(0), []
    while len(slow) < 800:
        tokens = slow_tree(dice, 1, 4, 5)
        if 8 < len(tokens) < 30:
            slow.append(tokens)
    data = ListOps(0, length=30, shortest=8, depth=4, arguments=5)
    fast = [[data.symbols[i] for i in e.tokens] for e in data.expressions(Dice(range(800), 0))]

    def told(rows: list[list[str]]) -> list[float]:
        operations = [sum(t.startswith("[") for t in row) / len(row) for row in rows]
        roots = [row[0] for row in rows]
        lengths = [len(row) for row in rows]
        values = [value(list(row)) for row in rows]
        return [
            float(np.mean(lengths)) / 30,
            float(np.std(lengths)) / 30,
            float(np.mean(operations)) * 3,
            roots.count("[MAX") / len(rows),
            values.count(9) / len(rows),
            values.count(5) / len(rows),
            float(np.mean([depth(row) for row in rows])) / 4,
        ]

    assert told(fast) == pytest.approx(told(slow), abs=0.05)


def test_references() -> None:
    data = ListOps(0, length=40, shortest=5, depth=4, held_out=200)
    most, by_first = (reference.value for reference in shallow(data, "test", samples=300))
    train = data.expressions(Dice(range(300), 0))
    test = data.expressions(Dice(range(200), 2))
    values = [e.value for e in train]
    guess = max(range(10), key=values.count)
    assert most == pytest.approx(np.mean([e.value == guess for e in test]))
    right = 0
    for e in test:
        same = [other.value for other in train if other.tokens[0] == e.tokens[0]]
        right += e.value == max(range(10), key=same.count)
    assert by_first == pytest.approx(right / 200)


def test_no_tree_can_be_so_long() -> None:
    with pytest.raises(ValueError, match=r"data.shortest is 40: no tree has more tokens"):
        ListOps(0, shortest=40, length=100, depth=2, arguments=5)
    with pytest.raises(ValueError, match="an operation has 2 at least"):
        ListOps(0, arguments=1)
