"""Names of many layers as one."""

from __future__ import annotations

import pytest

from registry.checkpoint_errors import CheckpointError, TensorProblems, folded


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        ([f"h.{n}.w" for n in range(12)], ["h.0-11.w"]),
        (["h.0.w", "h.2.w", "h.3.w", "h.7.w"], ["h.0,2-3,7.w"]),
        (["h.0.w", "h.0.b", "h.1.w"], ["h.0-1.w", "h.0.b"]),
        ([f"h.{n}.e.{e}.w" for n in range(2) for e in range(2)], ["h.0-1.e.0.w", "h.0-1.e.1.w"]),
        (["layer1.conv2", "3", "a.10", "a.9"], ["layer1.conv2", "3", "a.9-10"]),
        (["w", "w"], ["w"]),
    ],
)
def test_folded(names: list[str], lines: list[str]) -> None:
    assert folded(names) == lines


def test_nothing_wrong_is_nothing_raised_and_all_of_it_is_told_otherwise() -> None:
    TensorProblems().demand_none("x")
    problems = TensorProblems(["a"], {"b.0": "why", "b.1": "why"}, {"c": ([1], (2,))}, {"d": "e"})
    with pytest.raises(CheckpointError) as caught:
        problems.demand_none("the file")
    assert str(caught.value).splitlines() == [
        "the file: the tensors do not fit the model (1 missing, 2 surplus, 1 misshapen)",
        "  missing: a",
        "  surplus: b.0-1 (why)",
        "  wrong shape: c is [1], expected [2]",
        "  unequal: d must be the same as e",
    ]
