"""What of a model starts from another one's weights, what is new, and what is left: by role, before anything is copied.

Works on shapes alone, so that models on the meta device will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from blocks.position import Position
from experiments.start.options import InitFrom
from experiments.start.patterns import matching
from experiments.start.roles import POOLER, comparable, poolers, roles_of, same_role, start_as, translated
from registry.checkpoint_errors import folded
from registry.errors import Problem, SpecError
from registry.state import owned

ADAPTER, WRAPPED = ".lora_", ".base_layer."

How = Literal["whole", "rows", "positions"]


@dataclass(frozen=True)
class Move:
    """Where a tensor comes from. rows: the tokens that both vocabularies have; positions: by the scheme's `stretch`."""

    source: str
    how: How = "whole"


@dataclass
class Match:
    """moves: name in the model -> where from. new: names that start as they are drawn. left: what nothing takes.

    kept_kind: whether the head is of the source's kind.
    """

    moves: dict[str, Move] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def plain(name: str) -> str:
    """The name of a weight without the adapter around it."""
    return name.replace(WRAPPED, ".")


def match(target: nn.Module, source: nn.Module, start: InitFrom) -> Match:
    """Which tensors of `target` start from which of `source`.

    Raises SpecError for shapes that do not agree and that nothing says what to do about, and where nothing fits.
    """
    return _Matching(target, source, start).made()


class _Matching:
    def __init__(self, target: nn.Module, source: nn.Module, start: InitFrom) -> None:
        self.target, self.source, self.start = target, source, start
        self.mine = {name: tensor for name, tensor in owned(target).items() if ADAPTER not in name}
        self.theirs: Mapping[str, Tensor] = source.state_dict(keep_vars=True)
        self.problems: list[str] = []
        self.match = Match()

    def made(self) -> Match:
        roles, others = roles_of(self.target), roles_of(self.source)
        for role in roles:
            other = same_role(role, others)
            names = [name for name in self.mine if name.startswith(f"{role.module}.")]
            moves = {} if other is None else self._role(names, role.module, other.module)
            if role.name == "head":
                moves = self._head(moves)
            self.match.moves |= moves
        if self.start.only is not None:
            self._keep(self.start.only)
        # what is kept beside the weights, such as the directions of Performer, is drawn anew by each model
        learned = {name for name, tensor in self.mine.items() if isinstance(tensor, nn.Parameter)}
        self.match.new = [name for name in self.mine if name in learned - self.match.moves.keys()]
        taken = {id(self.theirs[move.source]) for move in self.match.moves.values()}
        self.match.left = [name for name, tensor in owned(self.source).items() if id(tensor) not in taken]
        self._refuse()
        return self.match

    def _keep(self, patterns: list[str]) -> None:
        names = {plain(name): name for name in self.mine}
        wanted = {names[name] for name in matching(patterns, names, self.target, "init_from.only")}
        self.match.moves = {name: move for name, move in self.match.moves.items() if name in wanted}
        self.problems = [line for line in self.problems if names[line.split(" ")[0]] in wanted]

    def _role(self, names: list[str], mine: str, theirs: str) -> dict[str, Move]:
        target, source = self.target.get_submodule(mine), self.source.get_submodule(theirs)
        found: dict[str, Move] = {}
        for name in names:
            below = name.removeprefix(f"{mine}.")
            other = translated(plain(below), target, source)
            if other is not None and f"{theirs}.{other}" not in self.theirs:
                other = start_as(target, plain(below))
            if other is None or f"{theirs}.{other}" not in self.theirs:
                continue
            if name.startswith(f"{POOLER}."):
                fits = poolers(self.target, self.source)
            else:
                fits = comparable(target, source, below, other)
            if fits and (how := self._how(name, f"{theirs}.{other}")) is not None:
                found[name] = Move(f"{theirs}.{other}", how)
        return found

    def _how(self, name: str, other: str) -> How | None:
        """How the tensor is taken over; None where it is not. Notes a problem where nobody says how."""
        mine, theirs = list(self.mine[name].shape), list(self.theirs[other].shape)
        vocabulary = self._is_vocabulary(name, mine, theirs)
        if vocabulary and self.start.tokenizer == "own":
            return None
        if mine == theirs:
            return "whole"
        if vocabulary:
            return "rows"
        if isinstance(self._position(name), Position):
            if self.start.positions is not None:
                return "positions"
            self.problems.append(
                f"{plain(name)} is {mine}, in the source {theirs}: say how by init_from.positions (copy, interpolate, "
                "or bicubic for a grid)"
            )
            return None
        if not name.startswith("head."):
            self.problems.append(f"{plain(name)} is {mine}, in the source {theirs}")
        return None

    def _head(self, moves: dict[str, Move]) -> dict[str, Move]:
        """All of the head or nothing: with classes of its own it is a new one. A pooler stands for itself."""
        for name, move in moves.items():
            assert move.how != "positions", name
        wanted = {plain(name).removeprefix("head.") for name in self.mine if name.startswith("head.")}
        there = {name.removeprefix("head.") for name in self.theirs if name.startswith("head.")}
        got = {plain(name).removeprefix("head.") for name in moves}
        whole = (wanted & there) <= got
        return moves if whole else {name: move for name, move in moves.items() if name.startswith(f"{POOLER}.")}

    def _is_vocabulary(self, name: str, mine: list[int], theirs: list[int]) -> bool:
        """Whether the rows of a tensor are the tokens of a vocabulary."""
        if not name.startswith(("embedding.", "source_embedding.", "head.")) or mine[1:] != theirs[1:]:
            return False
        return bool(mine) and mine[0] in _vocabularies(self.target) and theirs[0] in _vocabularies(self.source)

    def _position(self, name: str) -> nn.Module:
        return self.target.get_submodule(name.rpartition(".")[0].rpartition(".")[0])

    def _refuse(self) -> None:
        lines = [f"does not fit: {line}" for line in self.problems]
        if not lines and not self.match.moves and self.start.only != []:
            roles = " and ".join(dict.fromkeys(role.name for role in roles_of(self.source)))
            mine = " and ".join(dict.fromkeys(role.name for role in roles_of(self.target)))
            lines = [f"nothing fits: the source has {roles}, this model {mine}, with no weight in common"]
        missing = [plain(name) for name in self.match.new if not name.startswith("head.")]
        if not lines and self.start.strict and missing:
            lines = [f"strict: the source has nothing for {', '.join(folded(missing))}"]
        if lines:
            raise SpecError([Problem("init_from", line) for line in lines])


def _vocabularies(model: nn.Module) -> set[int]:
    spec = getattr(model, "spec", None) or {}
    return {spec[key] for key in ("vocab", "source_vocab") if spec.get(key) is not None} | {
        size for size in (getattr(model, "vocab", None),) if size is not None
    }
