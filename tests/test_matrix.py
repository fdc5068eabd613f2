"""Every attention kind with every position scheme, visibility and topology; what is declared decides what must happen.

Cells that the declarations allow must pass the contract of whole models, cells that they refuse must be refused with
the missing word in the message. Nothing is listed by hand: a new kind widens the matrix by itself.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from blocks.contract import Check, checks_for
from blocks.contract.subject import FAMILIES, Subject
from blocks.contract.topology.models import draw, run
from registry import Builder
from registry.part import Part, declared

for _family in FAMILIES:
    importlib.import_module(f"blocks.{_family}")


def kinds(family: str) -> list[Part]:
    """The project's own parts of a family."""
    return [p for p in declared().values() if p.family == family and p.target.__module__.startswith("blocks.")]


def builder(of: Part, **options: Any) -> Builder:
    return Builder(of.target, {**of.fixed, **options})


@dataclass(frozen=True)
class Shape:
    """A topology with the word that it asks of attention, and the option that makes it ask."""

    name: str
    topology: str
    asks: frozenset[str]
    options: tuple[tuple[str, Any], ...] = ()


SHAPES = [
    Shape("encoder", "encoder", frozenset({"bidirectional"})),
    Shape("decoder", "decoder", frozenset({"causal"})),
    Shape("prefix decoder", "decoder", frozenset({"causal", "prefix"}), (("prefix", True),)),
    Shape("encoder_decoder", "encoder_decoder", frozenset({"causal", "bidirectional"})),
]

# Checks of whole models that try each visibility.
VIEWS = {
    "plain": ("no token sees a later one", "a token depends on both sides", "cached decoding is the full pass"),
    "padding": (
        "padding on the left is invisible",
        "padding on the right is invisible",
        "padding in a source is invisible",
        "cached decoding of left-padded rows is each row",
        "a prefix does not make padding visible",
    ),
    "segments": ("packed documents do not see each other",),
    "prefix": ("the prefix is visible to all, the rest to what follows",),
    "window": ("no token sees a later one", "a token depends on both sides", "cached decoding is the full pass"),
}


@dataclass(frozen=True)
class Cell:
    """One combination; missing: the words that its attention would have to provide and does not."""

    attention: Part
    position: Part
    shape: Shape
    view: str

    def __str__(self) -> str:
        return f"{self.attention.kind}-{self.position.kind}-{self.shape.name}-{self.view}"

    @property
    def missing(self) -> frozenset[str]:
        asked = self.shape.asks | self.position.target.hooks  # type: ignore[attr-defined]
        asked = asked | ({"segments"} if self.view == "segments" else set())
        asked = asked | ({"padding"} if self.view == "padding" else set())
        return asked - self.attention.target.provides  # type: ignore[attr-defined, no-any-return]

    @property
    def options(self) -> dict[str, Any]:
        # longer than two windows are the nine tokens of the checks
        narrow = {"window": 4} if self.view == "window" else {}
        cross = {}
        if self.shape.topology == "encoder_decoder" and "cross" in self.attention.target.provides:  # type: ignore[attr-defined]
            cross = {"cross_attention": builder(self.attention)}
        return {
            **dict(self.shape.options),
            **cross,
            "attention": builder(self.attention, **narrow),
            "position": builder(self.position),
        }

    def checks(self) -> tuple[Subject, list[Check]]:
        subject, checks = checks_for("topology", self.shape.topology, **self.options)
        return subject, [c for c in checks if c.name in VIEWS[self.view]]


def cells() -> Iterator[Cell]:
    # the models of the matrix read tokens, which stand in no grid
    positions = [p for p in kinds("position") if not p.target.grid]  # type: ignore[attr-defined]
    for attention, position, shape, view in itertools.product(kinds("attention"), positions, SHAPES, VIEWS):
        windowed = "window" in inspect.signature(attention.target).parameters
        if view == "window" and not windowed:
            continue
        if (view == "prefix") != (shape.name == "prefix decoder") and view in ("prefix", "plain"):
            continue
        if view == "segments" and shape.topology == "encoder_decoder":
            continue
        yield Cell(attention, position, shape, view)


ALL = list(cells())


@pytest.mark.parametrize("cell", [c for c in ALL if not c.missing], ids=str)
def test_what_the_declarations_allow_works(cell: Cell) -> None:
    subject, checks = cell.checks()
    assert checks
    for check in checks:
        check.run(subject)


@pytest.mark.parametrize("cell", [c for c in ALL if c.missing], ids=str)
def test_what_the_declarations_refuse_is_refused_with_the_reason(cell: Cell) -> None:
    subject, _ = cell.checks()
    given: dict[str, Any] = {}
    if cell.view == "segments":
        given["segment"] = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1]])
    if cell.view == "padding":
        given["valid"] = torch.tensor([[False] * 2 + [True] * 6])
    with pytest.raises(ValueError, match="|".join(sorted(cell.missing))):
        run(subject.build(), subject, draw(subject, 1), **given)


INSIDE = [
    pytest.param(*parts, id="-".join(p.kind for p in parts))
    for parts in itertools.product(kinds("attention"), kinds("placement"), kinds("norm"), kinds("feedforward"))
    # presets of one class differ in an option alone: one of them is enough here
    if parts[3].kind in ("mlp", "glu")
]


@pytest.mark.parametrize(("attention", "placement", "norm", "feedforward"), INSIDE)
def test_layers_of_any_parts_work(attention: Part, placement: Part, norm: Part, feedforward: Part) -> None:
    topology = "decoder" if "causal" in attention.target.provides else "encoder"  # type: ignore[attr-defined]
    subject, checks = checks_for(
        "topology",
        topology,
        attention=builder(attention),
        placement=builder(placement),
        norm=builder(norm),
        feedforward=builder(feedforward),
    )
    wanted = {"cached decoding is the full pass", "finite gradients reach every parameter", "saves and loads"}
    for check in checks:
        if check.name in wanted:
            check.run(subject)
