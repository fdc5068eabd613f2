"""Nested brackets against a stack."""

from __future__ import annotations

import pytest
import torch

from experiments.data.generated import Dyck

from .every import batch_of, written


def allowed(tokens: list[str], types: int, depth: int) -> tuple[frozenset[str], int | None]:
    """The brackets that may follow, and where the one that is open last stands."""
    stack: list[tuple[str, int]] = []
    for i, token in enumerate(tokens):
        if token.startswith("("):
            stack.append((token[1:], i))
        else:
            assert stack.pop()[0] == token[:-1]
        assert len(stack) <= depth
    opening = {f"({t}" for t in range(types)} if len(stack) < depth else set()
    closing = {f"{stack[-1][0]})"} if stack else set()
    return frozenset(opening | closing), stack[-1][1] if stack else None


@pytest.mark.parametrize("distance", [0, 4])
def test_every_set_of_next_brackets_has_one_class(distance: int) -> None:
    data = Dyck(0, types=2, depth=3, length=30, distance=distance)
    classes: dict[frozenset[str], set[str]] = {}
    for tokens, asked in written(data, batch_of(data, "train", 40)):
        for i, answer in enumerate(asked):
            following, last = allowed(tokens[: i + 1], 2, 3)
            wanted = distance == 0 or (last is not None and i - last >= distance)
            assert (answer is not None) == wanted
            if answer is not None:
                classes.setdefault(following, set()).add(answer)
    assert all(len(found) == 1 for found in classes.values())
    # none open; each type with room, or at the bottom; beyond that distance nothing is at the bottom
    assert len(classes) == (5 if distance == 0 else 2)
    assert len(set.union(*classes.values())) == len(classes)


def test_a_bracket_opens_half_of_the_times() -> None:
    data = Dyck(0, types=3, depth=50, length=2, held_out=4000)
    tokens = batch_of(data, "valid", 4000)["tokens"]
    assert bool((tokens[:, 0] < 3).all())
    assert float((tokens[:, 1] < 3).float().mean()) == pytest.approx(0.5, abs=0.03)
    shares = torch.bincount(tokens[:, 0], minlength=3) / 4000
    torch.testing.assert_close(shares, torch.full((3,), 1 / 3), atol=0.03, rtol=0)
