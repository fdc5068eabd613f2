"""The part that is tried: which one, with which options, at which size."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn

from blocks.norm import LayerNorm
from registry import Builder, build
from registry.part import declared, dimensions

SIZES: Mapping[str, Any] = {
    "dim": 16,
    "heads": 2,
    "head_dim": 8,
    "vocab": 11,
    "steps": 2,
    "norm": LayerNorm,
    "stream": "decoder",
    "encoder_layers": 0,
    "decoder_layers": 2,
    "causal": False,
    "layer": 0,
    "earlier": None,
}
"""The dimensions that a part is built with: small, and no two that could be mistaken for each other."""

MODEL: Mapping[str, Any] = {"dim": 16, "layers": 2, "heads": 2, "vocab": 11}
"""Options that every topology has no default for, or too large a one."""

FAMILIES = (
    "attention",
    "position",
    "scaling",
    "norm",
    "placement",
    "feedforward",
    "backbone",
    "embedding",
    "head",
    "init",
    "topology",
    "conversion",
)


@dataclass(frozen=True)
class Subject:
    """A part, its options and its size; builds it ready to be tried.

    That is: in float64, in evaluation mode, and with no parameter at a neutral value.
    """

    family: str
    kind: str
    target: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, Any] = field(default_factory=lambda: SIZES)

    @classmethod
    def of(cls, family: str, kind: str | type, options: Mapping[str, Any]) -> Subject:
        """The declared part, or the class. Options that are dimensions of the part set its size.

        Raises ValueError for an unknown family or kind.
        """
        if family not in FAMILIES:
            raise ValueError(f"no contract for the family '{family}'; there is one for: {', '.join(FAMILIES)}")
        if isinstance(kind, str):
            importlib.import_module(f"blocks.{family}")
            found = declared().get((family, kind))
            if found is None:
                known = ", ".join(sorted(k for f, k in declared() if f == family))
                raise ValueError(f"no {family} '{kind}' is declared (import its module first); declared: {known}")
            target, options = found.target, {**found.fixed, **options}
        else:
            target, kind = kind, kind.__name__
        if family == "topology":
            options = {**MODEL, **options}
        names = {name for name, _ in dimensions(target)}
        sizes = {**SIZES, **{k: v for k, v in options.items() if k in names}}
        return cls(family, kind, target, {k: v for k, v in options.items() if k not in names}, sizes)

    @cached_property
    def provides(self) -> frozenset[str]:
        """What the part declares on its class, or on the instance where options narrow it."""
        narrowed = self.family in ("attention", "topology") and self.options
        # asked in the middle of checks, whose random stream goes on
        with torch.random.fork_rng(devices=[]):
            return frozenset(getattr(self.raw() if narrowed else self.target, "provides", ()))

    def __getitem__(self, size: str) -> Any:
        return self.sizes[size]

    def build(self, *, seed: int = 0, **sizes: Any) -> Any:
        """The part; the same seed builds the same one."""
        made = self.raw(seed=seed, **sizes).double().eval()
        wake(made)
        return made

    def raw(self, *, seed: int = 0, **sizes: Any) -> Any:
        """The part as its constructor leaves it."""
        torch.manual_seed(seed)
        return build(Builder(self.target, self.options), **{**self.sizes, **sizes})


@torch.no_grad()
def wake(module: nn.Module) -> None:
    """Move every parameter off its starting value: gates at 0 and weights at 1 would hide what they do."""
    for parameter in module.parameters():
        parameter.add_(0.25 * torch.randn_like(parameter))
