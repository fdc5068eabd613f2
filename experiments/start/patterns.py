"""Readable patterns of names inside a model: embedding, encoder.layers.0-3, attention.key, layers.*.feedforward."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence

from torch import nn

from experiments.start.roles import roles_of
from registry.errors import Problem, SpecError, did_you_mean

_RANGE = re.compile(r"(\d+)-(\d+)$")
_SHOWN = 24


def matching(patterns: Sequence[str], names: Iterable[str], model: nn.Module, option: str) -> list[str]:
    """The names that some pattern matches, in their order.

    A pattern is a row of pieces that stands somewhere in the name; a piece is a word, with `*`, or a range of numbers.
    A stack may be called by its role, encoder or decoder. Raises SpecError for a pattern that matches nothing.
    """
    names = list(names)
    calls = {name: _called(name, model) for name in names}
    found: set[str] = set()
    for pattern in patterns:
        wanted = pattern.split(".")
        matched = {name for name in names if any(_stands_in(wanted, call.split(".")) for call in calls[name])}
        if not matched:
            raise SpecError([Problem(option, f"nothing is called '{pattern}' here.{_known(pattern, calls.values())}")])
        found |= matched
    return [name for name in names if name in found]


def _called(name: str, model: nn.Module) -> list[str]:
    """A name, and the same by role: stack.layers.0 of an encoder is encoder.layers.0."""
    stacks = [role for role in roles_of(model) if role.name in ("encoder", "decoder") and role.module != role.name]
    inside = [role for role in stacks if name.startswith(f"{role.module}.")]
    return [name, *(f"{role.name}.{name.removeprefix(f'{role.module}.')}" for role in inside)]


def _stands_in(wanted: Sequence[str], pieces: Sequence[str]) -> bool:
    most = len(pieces) - len(wanted)
    return any(
        all(_fits(one, piece) for one, piece in zip(wanted, pieces[first:], strict=False)) for first in range(most + 1)
    )


def _fits(wanted: str, piece: str) -> bool:
    if (numbers := _RANGE.match(wanted)) and piece.isdecimal():
        return int(numbers[1]) <= int(piece) <= int(numbers[2])
    return fnmatch.fnmatchcase(piece, wanted)


def _known(pattern: str, calls: Iterable[Sequence[str]]) -> str:
    """What there is instead: the nearest name, and the names without the numbers of layers."""
    plain = dict.fromkeys(re.sub(r"\.\d+(?=\.|$)", "", call[-1]) for call in calls)
    prefixes = {".".join(name.split(".")[:n]): None for name in plain for n in range(1, name.count(".") + 2)}
    listed = [name for name in prefixes if name.count(".") < 3]
    more = ", ..." if len(listed) > _SHOWN else ""
    ends = {".".join(name.split(".")[-n:]): None for name in plain for n in range(1, name.count(".") + 2)}
    return f"{did_you_mean(pattern, [*prefixes, *ends])} There are: {', '.join(listed[:_SHOWN])}{more}."
