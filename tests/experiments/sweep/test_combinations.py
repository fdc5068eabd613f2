"""All combinations of axes, against an enumeration that is slow and obvious."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.sweep.axes import axis_of
from experiments.sweep.combinations import in_order
from experiments.sweep.plan import make_plan
from registry.errors import SpecError
from registry.load import load

OWN = {"data.length": 2, "data.batch_size": 2, "trainer.max_steps": 2, "trainer.log_every_n_steps": 2}
BASE: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 16, "heads": 2},
    "data": {"kind": "text", "length": 2, "batch_size": 2},
    "task": "causal_lm",
    "trainer": {"max_steps": 2, "log_every_n_steps": 2},
}
LOADED = load(BASE)
DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Case:
    """groups: paths that change together, with their rows. when: path -> {path: wanted values}."""

    groups: list[dict[str, list[int]]]
    when: dict[str, dict[str, list[int]]]
    exclude: list[dict[str, list[int]]]

    @property
    def sweep(self) -> dict[str, Any]:
        axes, zipped = {}, []
        for group in self.groups:
            if len(group) > 1:
                zipped.append(group)
            else:
                ((path, values),) = group.items()
                axes[path] = {"values": values, "when": self.when[path]} if path in self.when else values
        return {"axes": axes, "zip": zipped, "exclude": self.exclude, "seeds": 1}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    paths = draw(st.permutations(list(OWN)))
    count = draw(st.integers(1, 4) | st.just(4))
    zipped = count > 2 and draw(st.sampled_from([True, False, False]))
    alone = paths[: count - 2 if zipped else count]
    groups = [{path: draw(st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True))} for path in alone]
    if zipped:
        rows = draw(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=3, unique=True))
        pair = paths[count - 2 : count]
        groups.append({pair[0]: [a for a, _ in rows], pair[1]: [b for _, b in rows]})
    values = {path: column for group in groups for path, column in group.items()}

    def some(of: list[str]) -> list[str]:
        return draw(st.lists(st.sampled_from(of), min_size=1, max_size=2, unique=True))

    def wanted(path: str) -> list[int]:
        return draw(st.lists(st.sampled_from(values[path]), min_size=1, max_size=2, unique=True))

    when = {}
    singles = [path for group in groups if len(group) == 1 for path in group]
    for number, path in enumerate(singles):
        # on later ones only, so that there is no circle; the order of the axes is another
        deciding = [*singles[number + 1 :], *(groups[-1] if zipped else ())]
        if deciding and draw(st.sampled_from([True, True, False])):
            when[path] = {p: wanted(p) for p in some(deciding)}
    exclude = [{path: wanted(path) for path in some(list(values))} for _ in range(draw(st.integers(0, 2)))]
    # lists of zip come after the axes in a plan
    return Case(sorted(groups, key=len), when, exclude)


def slowly(case: Case) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Combinations that are kept and excluded, {path: value or a dash}, each where the full product has it first."""
    kept: list[dict[str, Any]] = []
    excluded: list[dict[str, Any]] = []
    columns = [range(len(next(iter(group.values())))) for group in case.groups]
    for row in itertools.product(*columns):
        chosen = {path: group[path][i] for group, i in zip(case.groups, row, strict=True) for path in group}

        def applies(path: str, chosen: dict[str, int] = chosen) -> bool:
            conditions = case.when.get(path, {})
            return all((chosen[p] if applies(p) else OWN[p]) in wanted for p, wanted in conditions.items())

        found = {path: value if applies(path) else DASH for path, value in chosen.items()}
        out = any(all(found[path] in wanted for path, wanted in rule.items()) for rule in case.exclude)
        target = excluded if out else kept
        if found not in target:
            target.append(found)
    return kept, excluded


@settings(max_examples=30, deadline=None)
@given(cases())
def test_every_combination_once_in_the_order_of_the_axes(case: Case) -> None:
    kept, excluded = slowly(case)
    # the files of the spec are read once
    loaded = LOADED.variant([("sweep", case.sweep)], "case")
    if not kept:
        with pytest.raises(SpecError, match="no combination can be trained: excluded by the spec"):
            make_plan(loaded)
        return
    plan = make_plan(loaded)
    assert [dict(v.values) for v in plan.variants] == [{p: str(value) for p, value in row.items()} for row in kept]
    assert [dict(v.settings) for v in plan.variants] == [{p: x for p, x in row.items() if x != DASH} for row in kept]
    assert [item.values for item in plan.left_out] == [{p: str(value) for p, value in row.items()} for row in excluded]
    assert [v.label for v in plan.variants] == [" / ".join(v.values.values()) for v in plan.variants]
    for variant in plan.variants:
        spec = plan.spec(variant, 0)
        for path, own in OWN.items():
            block, name = path.split(".")
            assert spec[block][name] == dict(variant.settings).get(path, own)


def plan(axes: dict[str, Any], exclude: list[dict[str, Any]] | None = None) -> list[str]:
    found = make_plan(load({**BASE, "sweep": {"axes": axes, "exclude": exclude}}))
    return [variant.label.replace(DASH, "-") for variant in found.variants]


CHAIN = {
    "trainer.max_steps": [1, 3],
    # the spec itself says 2
    "data.length": {"values": [2, 4], "when": {"trainer.max_steps": 3}},
    "data.batch_size": {"values": [5, 6], "when": {"data.length": 2}},
}


def test_an_axis_that_does_not_apply_has_the_value_of_the_spec() -> None:
    assert plan(CHAIN) == ["1 / - / 5", "1 / - / 6", "3 / 2 / 5", "3 / 2 / 6", "3 / 4 / -"]


def test_what_is_excluded_by_an_axis_is_where_it_applies() -> None:
    assert plan(CHAIN, [{"data.length": 2}]) == ["1 / - / 5", "1 / - / 6", "3 / 4 / -"]


def test_axes_come_after_those_that_decide_about_them() -> None:
    axes = {
        "a": {"values": [1], "labels": None, "when": {"b.kind": "x"}},
        "b": {"values": [1], "labels": None, "when": {"c": 1}},
        "b.size": {"values": [1], "labels": None, "when": {"b": "x"}},
        "c": [1],
    }
    factors = [axis_of(path, axis) for path, axis in axes.items()]
    assert in_order(factors) == [3, 1, 0, 2]


@pytest.mark.parametrize(
    ("when", "circle"),
    [({"a": {"a": 1}}, "a"), ({"a": {"b": 1}, "b": {"a.kind": 1}}, "a, b")],
)
def test_conditions_in_a_circle_are_named(when: dict[str, Any], circle: str) -> None:
    factors = [axis_of(p, {"values": [1], "labels": None, "when": w}) for p, w in {"c": None, **when}.items()]
    with pytest.raises(ValueError, match=f"^{circle}$"):
        in_order(factors)
