"""A table applied to one model: which tensors of a file become which parameters, and back."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from blocks.conversion.rule import Ignored, Own, Rule, Tied, listed, matcher
from blocks.conversion.step import Step, steps_of
from registry.checkpoint_errors import CheckpointError, Shape, TensorProblems, folded

Line = Rule | Tied | Ignored | Own


@dataclass(frozen=True)
class Plan:
    """All steps between a model and its checkpoint.

    idle: rules whose parameters the model does not have. prefix: may stand before a name in a file or not.
    renamed: pieces of names in older files, with what stands in their place today.
    """

    kind: str
    steps: Sequence[Step]
    idle: Sequence[Rule]
    tied: Sequence[Tied]
    ignored: Sequence[Ignored]
    prefix: str
    renamed: Mapping[str, str]

    @classmethod
    def make(
        cls,
        kind: str,
        lines: Iterable[Line],
        shapes: Mapping[str, Shape],
        lengths: Mapping[str, int],
        *,
        prefix: str,
        renamed: Mapping[str, str],
    ) -> Plan:
        """The plan for a model with parameters of these shapes.

        lengths: of axes. Raises CheckpointError unless each parameter has exactly one rule.
        """
        lines = list(lines)
        own = [matcher(line.name) for line in lines if isinstance(line, Own)]
        shapes = {name: shape for name, shape in shapes.items() if not any(m.fullmatch(name) for m in own)}
        rules = [(line, list(steps_of(line, shapes, lengths))) for line in lines if isinstance(line, Rule)]
        steps = [step for _, found in rules for step in found]
        idle = [rule for rule, found in rules if not found]
        _demand_each_once(kind, steps, idle, shapes)
        return cls(
            kind,
            steps,
            idle,
            [line for line in lines if isinstance(line, Tied)],
            [line for line in lines if isinstance(line, Ignored)],
            prefix,
            renamed,
        )

    @property
    def shapes(self) -> dict[str, Shape]:
        """Their tensors, by name."""
        return {name: shape for step in self.steps for name, shape in step.shapes.items()}

    def read(
        self, tensors: Mapping[str, Tensor], shapes: Mapping[str, Shape] | None = None
    ) -> Iterator[tuple[str, Tensor]]:
        """Our parameters, one rule after the other, from the tensors of a file.

        shapes: of those tensors, where reading one only for its shape would be slow.
        Raises CheckpointError with every tensor that is missing, surplus, misshapen, or unequal to what it is tied to.
        """
        names = self._found(shapes or {name: tensor.shape for name, tensor in tensors.items()})
        problems = TensorProblems()
        for copies in names.values():
            values = [tensors[copy] for copy in copies] if len(copies) > 1 else []
            problems.unequal |= {
                copy: copies[0]
                for copy, value in zip(copies[1:], values[1:], strict=False)
                if not torch.equal(value, values[0])
            }
        problems.demand_none(f"conversion '{self.kind}'")
        for step in self.steps:
            yield from step.read({name: tensors[names[name][0]] for name in step.shapes})

    def write(self, state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Their tensors, from our parameters."""
        for step in self.steps:
            for name, tensor in step.write(state):
                yield name, tensor
                for tied in self.tied:
                    if tied.written and (match := matcher(tied.to).fullmatch(name)):
                        yield tied.name.format(**match.groupdict()), tensor.clone()

    def _found(self, file: Mapping[str, Shape]) -> dict[str, list[str]]:
        """For each name of theirs the names in the file that hold it. Raises CheckpointError with every problem."""
        wanted = self.shapes
        found: dict[str, list[str]] = {name: [] for name in wanted}
        problems = TensorProblems()
        for name, shape in file.items():
            meant, why = self._meaning(name, wanted)
            if meant in wanted:
                found[meant].append(name)
                if list(shape) != list(wanted[meant]):
                    problems.misshapen[name] = (shape, wanted[meant])
            elif why:
                problems.surplus[name] = why
        problems.missing = [name for name, holders in found.items() if not holders]
        problems.demand_none(f"conversion '{self.kind}'")
        return found

    def _meaning(self, name: str, wanted: Mapping[str, Shape]) -> tuple[str, str]:
        """The name of theirs that a name in a file stands for; "" with a reason where it is of no use."""
        for old, new in self.renamed.items():
            name = name.replace(old, new)
        idle = ""
        for candidate in dict.fromkeys([name, self.prefix + name]):
            if candidate in wanted:
                return candidate, ""
            if target := next(self._targets(candidate, wanted), ""):
                return target, ""
            if any(matcher(line.name).fullmatch(candidate) for line in self.ignored):
                return "", ""
            idle = idle or self._idle(candidate)
        return "", idle or "no rule of the table names it"

    def _targets(self, name: str, wanted: Mapping[str, Shape]) -> Iterator[str]:
        for tied in self.tied:
            if (match := matcher(tied.name).fullmatch(name)) and (to := tied.to.format(**match.groupdict())) in wanted:
                yield to

    def _idle(self, name: str) -> str:
        """Why a tensor for which there is a rule has no place in the model."""
        for rule in self.idle:
            if any(matcher(template).fullmatch(name) for template in listed(rule.theirs)):
                return f"the model has no {', '.join(listed(rule.ours))}"
        return ""


def _demand_each_once(kind: str, steps: Sequence[Step], idle: Sequence[Rule], shapes: Mapping[str, Shape]) -> None:
    """Raise CheckpointError unless every parameter, and every tensor of theirs, belongs to one step.

    idle: rules that fit no parameter, one of which may have been meant.
    """
    rules: dict[str, list[Rule]] = {name: [] for name in shapes}
    theirs: dict[str, list[Rule]] = {}
    for step in steps:
        for stack in step.ours:
            for name in stack.names:
                rules[name].append(step.rule)
        for name in step.shapes:
            theirs.setdefault(name, []).append(step.rule)
    without = folded(name for name, found in rules.items() if not found)
    lines = [f"no rule for the parameter {name}{_meant(name, idle)}" for name in without]
    twice = [(n, found) for names in (rules, theirs) for n, found in names.items() if len(found) > 1]
    lines += [f"two rules for {name}: {found[0]}; {found[1]}" for name, found in twice]
    if lines:
        raise CheckpointError("\n  ".join([f"conversion '{kind}': the table does not fit the model", *lines]))


def _meant(name: str, idle: Sequence[Rule]) -> str:
    """The parameter of a rule that the model does not have and that may have been meant, as a hint."""
    end = name.rpartition(".")[2]
    others = [other for rule in idle for other in listed(rule.ours) if other.rpartition(".")[2] == end]
    found = difflib.get_close_matches(name, others, n=1)
    return f" (there is one for {found[0]}, which the model does not have)" if found else ""
