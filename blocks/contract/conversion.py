"""The contract of the conversion family: a table reads what it writes, and is silent about nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any

import torch
from torch import Tensor, nn

from blocks.contract.check import Broken, check, demand
from blocks.contract.subject import Subject
from blocks.conversion import CheckpointError, Conversion, Plan
from registry import assemble
from registry.state import owned

UNKNOWN = "a_switch_that_nobody_knows"


def built(conversion: Conversion, config: Mapping[str, Any]) -> tuple[nn.Module, dict[str, Any]]:
    """The model of a config, without weights, and its full block; parts of the table's own module are in reach."""
    module = type(conversion).__module__
    is_known = any(module.split(".")[0] == point.value for point in entry_points(group="swapformer.parts"))
    with torch.device("meta"):
        model = assemble(conversion.spec(config), plugins=[] if is_known else [module])
    block: Any = model.spec
    return model, block


def planned(subject: Subject) -> tuple[Plan, dict[str, Tensor]]:
    """The table applied to its tiny model, and random values for the parameters of that."""
    conversion: Conversion = subject.raw()
    model, block = built(conversion, conversion.tiny)
    shapes = {name: tensor.shape for name, tensor in owned(model).items()}
    plan = _kept(lambda: conversion.plan(block, shapes))
    ours = {name for step in plan.steps for stack in step.ours for name in stack.names}
    return plan, {name: torch.randn(shape) for name, shape in shapes.items() if name in ours}


@check("conversion", "each parameter has one rule")
def each_once(subject: Subject) -> None:
    planned(subject)


@check("conversion", "weights that are written are read again, bit for bit")
def invertible(subject: Subject) -> None:
    plan, state = planned(subject)
    theirs = _written(plan, state)
    again = _kept(lambda: dict(plan.read(theirs)))
    demand(again.keys() == state.keys(), "other parameters come back than were written")
    wrong = [name for name, tensor in state.items() if not torch.equal(again[name], tensor)]
    demand(not wrong, f"{', '.join(wrong)} is not what was written")


@check("conversion", "short names are read too", when=lambda subject: bool(subject.raw().prefix))
def without_prefix(subject: Subject) -> None:
    plan, state = planned(subject)
    theirs = _written(plan, state)
    short = {name.removeprefix(plan.prefix): tensor for name, tensor in theirs.items()}
    demand(short.keys() != theirs.keys(), f"no name begins with the prefix '{plan.prefix}'")
    again = _kept(lambda: dict(plan.read(short)))
    demand(all(torch.equal(again[name], state[name]) for name in state), "without the prefix other weights are read")


@check("conversion", "a config that is written is read as the same model")
def same_model(subject: Subject) -> None:
    conversion: Conversion = subject.raw()
    block = built(conversion, conversion.tiny)[1]
    written = _kept(lambda: conversion.config_json(block))
    again = _kept(lambda: built(conversion, written)[1])
    wrong = ", ".join(key for key in block if block[key] != again.get(key))
    demand(block == again, f"from the config that it writes it reads another {wrong}")


@check("conversion", "what it does not implement is refused by name")
def refuses(subject: Subject) -> None:
    conversion: Conversion = subject.raw()
    fixed = {key: _other(value) for key, value in conversion.fixed.items()}
    for key, value in {UNKNOWN: True, **fixed}.items():
        try:
            conversion.spec({**conversion.tiny, key: value})
        except CheckpointError as error:
            demand(key in str(error), f"the refusal of {key}: {value!r} does not name it: {error}")
            continue
        raise Broken(f"{key}: {value!r} is accepted and has no effect; does `spec` begin with `self.read`?")


@check("conversion", "no setting is read in vain")
def heard(subject: Subject) -> None:
    """Among those that are numbers or switches: another value gives another model, or is refused, with some others."""
    conversion: Conversion = subject.raw()
    settings, tiny = conversion.settings, conversion.tiny
    switched = [{**tiny, key: not tiny.get(key, value)} for key, value in settings.items() if isinstance(value, bool)]
    deaf = [
        key
        for key in settings
        if not conversion.is_harmless(key)
        and not any(_matters(conversion, config, key) for config in (tiny, {}, *switched))
    ]
    demand(not deaf, f"the model is the same whatever {', '.join(deaf)} says: not a setting, or not implemented")


def _matters(conversion: Conversion, config: Mapping[str, Any], key: str) -> bool:
    tried = list(_others({**conversion.settings, **config}[key]))
    if not tried:
        return True
    try:
        before = conversion.spec(config)
    # an example with a switch turned over need not be one
    except CheckpointError:
        return False
    for value in tried:
        try:
            if conversion.spec({**config, key: value}) != before:
                return True
        # a value that does not go with the rest has been read
        except (ValueError, TypeError, KeyError, ArithmeticError, IndexError):
            return True
    return False


def _others(value: Any) -> Iterator[Any]:
    """Other values that may stand in the place of a number or a switch."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (2 * value + 2, value + 1)
    elif isinstance(value, float):
        yield value / 2 + 0.125


def _other(fixed: Any) -> Any:
    """A value that a fixed setting may not have."""
    choices = fixed if isinstance(fixed, tuple) else (fixed,)
    return next(value for value in (True, False, "another", 7) if value not in choices)


def _written(plan: Plan, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = list(plan.write(state))
    demand(len(dict(found)) == len(found), "a tensor is written twice")
    return dict(found)


def _kept(promise: Any) -> Any:
    """What a table gives; a refusal of its own tiny model is a broken promise."""
    try:
        return promise()
    except CheckpointError as error:
        raise Broken(str(error)) from None
