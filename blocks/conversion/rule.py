"""What a table is made of: rules between the names and layouts of a checkpoint family and ours."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from blocks.conversion.layout import Layout

Names = str | Sequence[str]


@dataclass(frozen=True)
class Rule:
    """Tensors of theirs that become parameters of ours, and back.

    theirs, ours: a name, or several. A number in a name is written as `{n}`. If it stands in the names of both sides,
    the rule holds for every n (layers); if on one side alone, the tensors of that side are stacked along an axis n,
    which the layout of the other side has (experts, norms of single heads).
    layout: einops pattern from theirs to ours, empty where nothing changes. A `+` cuts an axis into pieces, or joins
    them: "i (h d + g d + g d) -> (h d) i, (g d) i, (g d) i". A matrix's inputs are called `i`.
    sizes: of axes, where they differ from those of the model.

    A rule whose parameters the model does not have (a bias, a matrix of its own for the head) does nothing.
    """

    theirs: Names
    ours: Names
    layout: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{', '.join(listed(self.theirs))} -> {', '.join(listed(self.ours))}"

    @property
    def shared(self) -> list[str]:
        """The numbers that stand in every name."""
        numbers = [_numbers(name) for name in [*listed(self.ours), *listed(self.theirs)]]
        return [axis for axis in numbers[0] if all(axis in others for others in numbers)]

    def stacks(self, names: Names) -> list[list[str]]:
        """For each of these names of one side the numbers that the other side does not have."""
        return [[axis for axis in _numbers(name) if axis not in self.shared] for name in listed(names)]

    def full_layout(self) -> Layout | None:
        """The layout of the stacked tensors, None where nothing changes. Raises ValueError for one that is wrong."""
        stacks = self.stacks(self.theirs), self.stacks(self.ours)
        if self.layout:
            return Layout.parse(self.layout).stacked(*stacks)
        if any(any(stack) for stack in stacks) or any(len(side) > 1 for side in stacks):
            raise ValueError(
                "tensors that are cut, joined or stacked (by a number that one side alone has) need a layout"
            )
        return None


@dataclass(frozen=True)
class Tied:
    """A name of theirs for the same tensor as another one: a file with both must have the same values in both.

    written: whether an export writes it too. A model that has the tensor apart (an untied head) has a rule for it,
    which then comes before this.
    """

    name: str
    to: str
    written: bool = False


@dataclass(frozen=True)
class Ignored:
    """A name of theirs that holds nothing learned: masks, tables of angles, counters."""

    name: str


@dataclass(frozen=True)
class Own:
    """A buffer of ours, such as a counter, of which their files say nothing: it stays as the model is built."""

    name: str


def weights(theirs: Names, ours: Names, layout: str = "", sizes: Mapping[str, int] | None = None) -> Iterator[Rule]:
    """The rule of a module's `.weight`, and that of its `.bias`, whose layout lacks the axis `i` of the inputs."""
    short = str(Layout.parse(layout).without("i")) if layout else ""
    for part, here in (("weight", layout), ("bias", short)):
        left, right = ([f"{name}.{part}" for name in listed(names)] for names in (theirs, ours))
        yield Rule(left, right, here, sizes or {})


def listed(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


@functools.cache
def matcher(template: str) -> re.Pattern[str]:
    """Recognises the names that a template stands for, and tells its numbers."""
    seen: set[str] = set()

    def group(axis: str) -> str:
        first = axis not in seen
        seen.add(axis)
        return f"(?P<{axis}>[0-9]+)" if first else f"(?P={axis})"

    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(group(p) if odd % 2 else re.escape(p) for odd, p in enumerate(parts)))


def _numbers(template: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\{(\w+)\}", template)))
