"""Settings of some variants only: `overrides`, and the combinations that are left out: `exclude`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from experiments.sweep.combinations import Combination, joined
from experiments.sweep.conditions import Conditions
from experiments.sweep.labels import label

When = Mapping[str, Any]


def overridden(
    combination: Combination, overrides: Sequence[Mapping[str, When]], conditions: Conditions
) -> Combination:
    """The combination with the settings of every override that it meets, in their order.

    Conditions speak of what the combination is without any override. One that sets an axis changes the label, too.
    """
    settings = list(combination.settings)
    values = dict(combination.values)
    origins = dict(combination.origins)
    met = []
    for number, override in enumerate(overrides):
        if conditions.hold(override["when"], combination.steps, combination.settings):
            met.append(number)
            for path, value in override["set"].items():
                settings.append((path, value))
                origins[path] = ("sweep", "overrides", number, "set", path)
                if path in conditions.factors:
                    values[path] = conditions.factors[path].label(path, value)
    is_named = combination.label != joined(combination.values)
    name = combination.label if is_named else joined(values)
    return replace(
        combination, label=name, values=values, settings=tuple(settings), origins=origins, overrides=tuple(met)
    )


def lacking(when: When, combinations: Sequence[Combination], conditions: Conditions) -> str:
    """What no combination has of a condition that none of them meets, in words."""
    alone = {
        path: wanted
        for path, wanted in when.items()
        if not any(conditions.hold({path: wanted}, c.steps, c.settings) for c in combinations)
    }
    together = "" if alone else " together"
    return f"none has {in_words(alone or when)}{together}"


def excluded(combination: Combination, rules: Sequence[When], conditions: Conditions) -> str | None:
    """Why a combination is left out, in words, or None. An axis that does not apply to it meets no rule."""
    for rule in rules:
        applies = rule.keys() <= combination.steps.keys()
        if applies and conditions.hold(rule, combination.steps, combination.settings):
            return f"excluded by the spec: {in_words(rule)}"
    return None


def in_words(when: When) -> str:
    """`model.attention = full or linear, model.dim = 64`."""
    return ", ".join(f"{path} = {wanted_in_words(value)}" for path, value in when.items())


def wanted_in_words(wanted: Any) -> str:
    """`full or linear`."""
    return " or ".join(map(label, wanted)) if isinstance(wanted, list) else label(wanted)
