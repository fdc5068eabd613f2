"""What the tests of budgets share: variants of a small language model, and ways to look at what was solved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from experiments.budget import solve
from experiments.making import filled, make_data
from experiments.results.plan import BudgetFacts
from experiments.sweep.plan import Variant
from experiments.sweep_options import Budget
from registry.load import Loaded, load

SMALL: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 32, "layers": 2, "heads": 2, "position": "rotary"},
    "data": {"kind": "text", "length": 32, "batch_size": 4},
    "task": "causal_lm",
    "trainer": {"max_steps": 50},
}


@dataclass
class Sweep:
    """Some variants of a spec, {label: settings}; the first is the baseline where one is wanted."""

    loaded: Loaded
    variants: list[Variant]

    def spec_of(self, settings: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        return self.loaded.variant(list(settings), "sweep").full

    def solve(
        self, *, baseline: bool = True, tell: Callable[[str], None] = lambda words: None, **options: Any
    ) -> tuple[tuple[Variant, ...], BudgetFacts]:
        remembered: Path | None = options.pop("remembered", None)
        chosen = self.variants[0] if baseline else None
        wanted = Budget(**options)
        return solve(self.variants, chosen, wanted, self.spec_of, self.loaded.catalog, tell, remembered=remembered)

    def full(self, variant: Variant) -> dict[str, Any]:
        """With the sizes that the data know."""
        full = self.spec_of(variant.settings)
        return filled(full, make_data(full, self.loaded.catalog))


Make = Callable[..., Sweep]


@pytest.fixture
def sweep() -> Make:
    def make(variants: Mapping[str, Mapping[str, Any]], spec: Mapping[str, Any] = SMALL, **overrides: Any) -> Sweep:
        settings = [(name.replace("__", "."), value) for name, value in overrides.items()]
        loaded = load(dict(spec), settings)
        made = [Variant(label, {}, tuple(values.items())) for label, values in variants.items()]
        return Sweep(loaded, made)

    return make
