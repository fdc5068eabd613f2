"""einops patterns with `+`: one tensor cut into several, several joined into one, or one rearranged."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from einops import rearrange
from torch import Tensor

Sizes: TypeAlias = dict[str, int]
Shape: TypeAlias = Sequence[int]
CUT = "cut"
"""The axis that is cut into several, in the patterns that are given to einops."""


@dataclass(frozen=True)
class Sum:
    """An axis made of pieces that follow each other, each the product of some axes."""

    pieces: tuple[tuple[str, ...], ...]


Factor: TypeAlias = str | Sum


@dataclass(frozen=True)
class Pattern:
    """The axes of one tensor: for each dimension the factors that it is the product of; () for a size of 1."""

    dims: tuple[tuple[Factor, ...], ...]

    @property
    def cut(self) -> Sum | None:
        return next((factor for dim in self.dims for factor in dim if isinstance(factor, Sum)), None)

    def piece(self, number: int) -> Pattern:
        """The pattern of one piece, with its axes in the place of the sum."""
        return Pattern(
            tuple(
                tuple(
                    axis for factor in dim for axis in (factor.pieces[number] if isinstance(factor, Sum) else [factor])
                )
                for dim in self.dims
            )
        )

    def axes(self) -> list[str]:
        return [axis for dim in self.dims for axis in dim if isinstance(axis, str)]

    def stacked(self, axes: Sequence[str]) -> Pattern:
        """The same behind `axes`, along which tensors of this pattern are stacked."""
        return Pattern((*((axis,) for axis in axes), *self.dims))

    def without(self, axis: str) -> Pattern:
        """The same without a dimension that is just this axis."""
        return Pattern(tuple(dim for dim in self.dims if dim != (axis,)))

    def __str__(self) -> str:
        return " ".join(_written(dim) for dim in self.dims)

    def shape(self, sizes: Mapping[str, int]) -> list[int]:
        return [math.prod(_size(factor, sizes) for factor in dim) for dim in self.dims]

    def solve(self, shape: Shape, known: Sizes) -> Sizes:
        """`known` with the sizes that follow from a shape. Raises ValueError where the shape does not fit."""
        if len(shape) != len(self.dims):
            raise ValueError(f"{list(shape)} has {len(shape)} dimensions, the pattern {len(self.dims)}")
        sizes = dict(known)
        for dim, size in zip(self.dims, shape, strict=True):
            unknown = [axis for axis in dim if isinstance(axis, str) and axis not in sizes]
            rest = math.prod(_size(factor, sizes) for factor in dim if factor not in unknown)
            if len(unknown) > 1 or (unknown and size % rest) or (not unknown and size != rest):
                raise ValueError(f"{list(shape)} does not fit the axes {' '.join(map(str, dim)) or '1'}, with {sizes}")
            sizes |= dict.fromkeys(unknown, size // rest)
        return sizes


@dataclass(frozen=True)
class Layout:
    """`left -> right`: one pattern on each side, or a sum on one side and a pattern for each piece on the other."""

    left: tuple[Pattern, ...]
    right: tuple[Pattern, ...]

    @classmethod
    @functools.cache
    def parse(cls, text: str) -> Layout:
        """Raises ValueError for a pattern that cannot be read, or cannot be undone."""
        sides = [tuple(_parse(pattern) for pattern in side.split(",")) for side in text.split("->")]
        if len(sides) != 2:
            raise ValueError(f"layout '{text}': one '->' stands between the file's axes and ours")
        layout = cls(*sides)
        whole, pieces = layout._ordered()
        count = len(whole.cut.pieces) if whole.cut else 1
        if count != len(pieces):
            raise ValueError(f"layout '{text}': {count} pieces and {len(pieces)} tensors for them")
        return layout

    def _ordered(self) -> tuple[Pattern, tuple[Pattern, ...]]:
        """The side that is one tensor, and the other."""
        if len(self.left) == 1 and not any(pattern.cut for pattern in self.right):
            return self.left[0], self.right
        if len(self.right) == 1 and not any(pattern.cut for pattern in self.left):
            return self.right[0], self.left
        raise ValueError("one side is a single tensor, and only that one may hold a '+'")

    def stacked(self, left: Sequence[Sequence[str]], right: Sequence[Sequence[str]]) -> Layout:
        """The same for tensors that are stacked along the axes given for each pattern.

        Raises ValueError unless both sides then have the same axes: nothing may be dropped or repeated.
        """
        layout = Layout(
            tuple(p.stacked(axes) for p, axes in zip(self.left, left, strict=True)),
            tuple(p.stacked(axes) for p, axes in zip(self.right, right, strict=True)),
        )
        whole, pieces = layout._ordered()
        for number, pattern in enumerate(pieces):
            before, after = sorted(whole.piece(number).axes()), sorted(pattern.axes())
            if before != after or len(set(before)) != len(before):
                raise ValueError(f"the axes {' '.join(before)} cannot become {' '.join(after)}")
        return layout

    def without(self, axis: str) -> Layout:
        return Layout(tuple(p.without(axis) for p in self.left), tuple(p.without(axis) for p in self.right))

    def reversed(self) -> Layout:
        return Layout(self.right, self.left)

    def __str__(self) -> str:
        return " -> ".join(", ".join(map(str, side)) for side in (self.left, self.right))

    def apply(self, tensors: Sequence[Tensor], sizes: Sizes) -> list[Tensor]:
        """Tensors of the left side -> those of the right side."""
        whole, pieces = self._ordered()
        if whole.cut is None:
            return [_rearrange(tensors[0], self.left[0], self.right[0], sizes)]
        if whole is self.left[0]:
            return _cut(tensors[0], whole, pieces, sizes)
        return [_join(tensors, whole, pieces, sizes)]


def _cut(tensor: Tensor, whole: Pattern, pieces: Sequence[Pattern], sizes: Sizes) -> list[Tensor]:
    opened, flat, place, widths = _around(whole, sizes)
    parts = torch.split(_rearrange(tensor, opened, flat, {**sizes, CUT: sum(widths)}), widths, dim=place)
    laid = (_flat(whole.piece(number), flat, whole, number) for number in range(len(widths)))
    return [_rearrange(part, at, piece, sizes) for part, at, piece in zip(parts, laid, pieces, strict=True)]


def _join(tensors: Sequence[Tensor], whole: Pattern, pieces: Sequence[Pattern], sizes: Sizes) -> Tensor:
    opened, flat, place, widths = _around(whole, sizes)
    laid = (_flat(whole.piece(number), flat, whole, number) for number in range(len(widths)))
    parts = [_rearrange(tensor, piece, at, sizes) for tensor, piece, at in zip(tensors, pieces, laid, strict=True)]
    return _rearrange(torch.cat(parts, dim=place), flat, opened, {**sizes, CUT: sum(widths)})


def _around(whole: Pattern, sizes: Sizes) -> tuple[Pattern, Pattern, int, list[int]]:
    """The whole with its sum as one axis, the same with every axis apart, the number of that axis, and its pieces."""
    assert whole.cut is not None
    opened = Pattern(tuple(tuple(CUT if isinstance(f, Sum) else f for f in dim) for dim in whole.dims))
    flat = Pattern(tuple((axis,) for axis in opened.axes()))
    widths = [math.prod(sizes[axis] for axis in piece) for piece in whole.cut.pieces]
    return opened, flat, opened.axes().index(CUT), widths


def _flat(piece: Pattern, flat: Pattern, whole: Pattern, number: int) -> Pattern:
    """The flat whole with the axes of one piece in the place of the sum."""
    assert whole.cut is not None
    return Pattern(tuple(whole.cut.pieces[number] if dim == (CUT,) else dim for dim in flat.dims))


def _rearrange(tensor: Tensor, before: Pattern, after: Pattern, sizes: Sizes) -> Tensor:
    used = {axis: sizes[axis] for axis in before.axes()}
    return rearrange(tensor, f"{before} -> {after}", **used)


def _written(dim: Sequence[Factor]) -> str:
    if not dim:
        return "1"
    words = [" + ".join(map(" ".join, f.pieces)) if isinstance(f, Sum) else f for f in dim]
    if len(dim) == 1:
        return words[0] if isinstance(dim[0], str) else f"({words[0]})"
    return f"({' '.join(f'({word})' if isinstance(f, Sum) else word for word, f in zip(words, dim, strict=True))})"


def _size(factor: Factor, sizes: Mapping[str, int]) -> int:
    pieces = factor.pieces if isinstance(factor, Sum) else ((factor,),)
    if unknown := {axis for piece in pieces for axis in piece} - sizes.keys():
        raise ValueError(f"the size of the axis {', '.join(sorted(unknown))} is not known: give it in `sizes`")
    return sum(math.prod(sizes[axis] for axis in piece) for piece in pieces)


def _parse(text: str) -> Pattern:
    tokens = re.findall(r"\w+|\S", text)
    dims: list[tuple[Factor, ...]] = []
    while tokens:
        dims.append(_factors(tokens))
    pattern = Pattern(tuple(dims))
    if sum(isinstance(factor, Sum) for dim in pattern.dims for factor in dim) > 1:
        raise ValueError(f"pattern '{text.strip()}' has more than one '+': cut in two steps is not possible")
    return pattern


def _factors(tokens: list[str]) -> tuple[Factor, ...]:
    """One axis, or what stands in a pair of brackets."""
    token = tokens.pop(0)
    if token == "1":
        return ()
    if re.fullmatch(r"[a-z]\w*", token):
        return (token,)
    if token != "(":
        raise ValueError(f"a pattern is made of axes, brackets and '+', not '{token}'")
    pieces: list[list[Factor]] = [[]]
    while tokens and tokens[0] != ")":
        if tokens[0] == "+":
            tokens.pop(0)
            pieces.append([])
        else:
            pieces[-1].extend(_factors(tokens))
    if not tokens or not all(pieces):
        raise ValueError("a bracket is not closed, or nothing stands beside a '+'")
    tokens.pop(0)
    if len(pieces) == 1:
        return tuple(pieces[0])
    if any(isinstance(factor, Sum) for piece in pieces for factor in piece):
        raise ValueError("a '+' inside a '+'")
    return (Sum(tuple(tuple(str(factor) for factor in piece) for piece in pieces)),)
