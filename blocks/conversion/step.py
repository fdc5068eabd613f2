"""One rule, applied to the tensors of one model that it speaks of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from blocks.conversion.layout import Layout, Pattern, Sizes
from blocks.conversion.rule import Rule, listed, matcher
from registry.checkpoint_errors import CheckpointError, Shape


@dataclass(frozen=True)
class Stack:
    """Tensors of one kind, stacked along axes of these sizes; a single one where there are none."""

    names: Sequence[str]
    sizes: Sequence[int] = ()

    def gather(self, tensors: Mapping[str, Tensor]) -> Tensor:
        if not self.sizes:
            return tensors[self.names[0]]
        return torch.unflatten(torch.stack([tensors[name] for name in self.names]), 0, list(self.sizes))

    def scatter(self, whole: Tensor) -> Iterator[tuple[str, Tensor]]:
        flat = whole.flatten(0, len(self.sizes) - 1) if self.sizes else whole.unsqueeze(0)
        return zip(self.names, flat, strict=True)


@dataclass(frozen=True)
class Step:
    """Tensors of theirs that become parameters of ours. shapes: of theirs, by name."""

    rule: Rule
    theirs: Sequence[Stack]
    ours: Sequence[Stack]
    layout: Layout | None
    sizes: Sizes
    shapes: Mapping[str, Shape]

    def read(self, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Our parameters, from theirs."""
        return _moved(self.theirs, self.ours, self.layout, self.sizes, tensors)

    def write(self, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Their tensors, from ours."""
        return _moved(self.ours, self.theirs, self.layout and self.layout.reversed(), self.sizes, tensors)


def _moved(
    start: Sequence[Stack], end: Sequence[Stack], layout: Layout | None, sizes: Sizes, tensors: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    wholes = [stack.gather(tensors) for stack in start]
    wholes = wholes if layout is None else layout.apply(wholes, sizes)
    for stack, whole in zip(end, wholes, strict=True):
        yield from stack.scatter(whole)


def steps_of(rule: Rule, shapes: Mapping[str, Shape], lengths: Mapping[str, int]) -> Iterator[Step]:
    """A step for each set of numbers that our parameters, of these shapes, have in their names; none without any.

    Raises CheckpointError for a rule that is wrong, or fits only some of them.
    """
    try:
        layout = rule.full_layout()
        for numbers, ours in _ours(rule, shapes):
            yield _step(rule, layout, numbers, ours, shapes, {**lengths, **rule.sizes})
    except ValueError as error:
        raise CheckpointError(f"rule {rule}: {error}") from None


def _ours(rule: Rule, shapes: Mapping[str, Shape]) -> Iterator[tuple[Mapping[str, int], list[Stack]]]:
    """The numbers that both sides share, with the parameters that have them."""
    found: list[dict[tuple[int, ...], dict[tuple[int, ...], str]]] = []
    for template, free in zip(listed(rule.ours), rule.stacks(rule.ours), strict=True):
        groups: dict[tuple[int, ...], dict[tuple[int, ...], str]] = {}
        for match in filter(None, map(matcher(template).fullmatch, shapes)):
            shared, own = (tuple(int(match[axis]) for axis in axes) for axes in (rule.shared, free))
            groups.setdefault(shared, {})[own] = match[0]
        found.append(groups)
    for shared in dict.fromkeys(key for groups in found for key in groups):
        lacking = [name for name, groups in zip(listed(rule.ours), found, strict=True) if shared not in groups]
        if lacking:
            raise ValueError(f"the model has no {', '.join(lacking)} beside the others")
        yield dict(zip(rule.shared, shared, strict=True)), [_stack(groups[shared]) for groups in found]


def _stack(members: Mapping[tuple[int, ...], str]) -> Stack:
    """Members by their numbers, which must be all up to the largest."""
    sizes = tuple(max(numbers) + 1 for numbers in zip(*members, strict=True))
    order = list(itertools.product(*map(range, sizes)))
    if missing := [numbers for numbers in order if numbers not in members]:
        raise ValueError(f"of the stack {', '.join(members.values())} the numbers {missing} are missing")
    return Stack([members[numbers] for numbers in order], sizes)


def _step(
    rule: Rule,
    layout: Layout | None,
    numbers: Mapping[str, int],
    ours: Sequence[Stack],
    shapes: Mapping[str, Shape],
    sizes: Sizes,
) -> Step:
    whole_shapes = [[*stack.sizes, *shapes[stack.names[0]]] for stack in ours]
    if layout is None:
        theirs = [Stack([listed(rule.theirs)[0].format(**numbers)])]
        return Step(rule, theirs, ours, None, {}, {theirs[0].names[0]: whole_shapes[0]})
    for pattern, stack, free, shape in zip(layout.right, ours, rule.stacks(rule.ours), whole_shapes, strict=True):
        sizes = pattern.solve(shape, {**sizes, **dict(zip(free, stack.sizes, strict=True))})
    theirs = [
        _their_stack(template, free, numbers, sizes)
        for template, free in zip(listed(rule.theirs), rule.stacks(rule.theirs), strict=True)
    ]
    expected = {name: s for stack, p in zip(theirs, layout.left, strict=True) for name, s in _shapes(stack, p, sizes)}
    return Step(rule, theirs, ours, layout, sizes, expected)


def _their_stack(template: str, free: Sequence[str], numbers: Mapping[str, int], sizes: Sizes) -> Stack:
    lengths = [sizes[axis] for axis in free]
    places = itertools.product(*map(range, lengths))
    return Stack([template.format(**numbers, **dict(zip(free, place, strict=True))) for place in places], lengths)


def _shapes(stack: Stack, pattern: Pattern, sizes: Sizes) -> Iterator[tuple[str, Shape]]:
    for name in stack.names:
        yield name, pattern.shape(sizes)[len(stack.sizes) :]
