"""The trials of a plan: variants with seeds, as full specs that can be trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.data import Data
from experiments.making import filled, make_data
from experiments.results.plan import Metric, Stage
from experiments.start.settling import settled
from experiments.sweep.plan import SweepPlan, Variant
from experiments.sweep.ranked_by import ranked_by
from experiments.trial_spec import alone, require_training, trial_id
from registry.errors import Problem, SpecError
from registry.load import Loaded


@dataclass(frozen=True)
class Trial:
    """A variant with a seed, ready to be trained.

    id: a hash of what decides the result, and the name of its folder. tuned: settings on top of the variant's.
    stage: what it is for. until: pause at the first validation at or after this optimizer step; None: train to the end.
    """

    id: str
    variant: Variant
    seed: int
    spec: dict[str, Any]
    data: Data
    stage: Stage = "compare"
    tuned: Mapping[str, Any] = field(default_factory=dict)
    until: int | None = None


class Trials:
    """Makes the trials of a plan: their specs with everything that the data know filled in.

    All variants' data are read and checked at once. metric: what the variants are ranked by, see `ranked_by`.

    Raises SpecError, BadData.
    """

    def __init__(self, loaded: Loaded, plan: SweepPlan) -> None:
        self.loaded = loaded
        self.plan = plan
        self._data: dict[str, Data] = {}
        self._first: dict[tuple[str, int], str] = {}
        self._specs: dict[str, tuple[str, dict[str, Any], Data]] = {}
        for variant in plan.variants:
            spec = plan.spec(variant, plan.first_seeds[0])
            require_training(spec)
            self._data_of(spec)
        self.metric: Metric = ranked_by(loaded, list(self._data.values()))

    def make(
        self,
        variant: Variant,
        seed: int,
        *,
        tuned: Mapping[str, Any] | None = None,
        stage: Stage = "compare",
        until: int | None = None,
    ) -> Trial:
        """One trial; making the same again costs next to nothing. Raises SpecError, Incompatible, BadData."""
        tuned = dict(tuned or {})
        key = json.dumps([variant.label, variant.settings, seed, tuned])
        if key not in self._specs:
            spec = self.plan.spec(variant, seed, tuned)
            data = self._data_of(spec)
            spec = alone(settled(filled(spec, data), self.loaded.catalog, self.loaded.plugins))
            self._specs[key] = trial_id(spec), spec, data
            if not tuned:
                self._refuse_twin(variant, seed, *self._specs[key][:2])
        id_, spec, data = self._specs[key]
        return Trial(id_, variant, seed, spec, data, stage, tuned, until)

    def _refuse_twin(self, variant: Variant, seed: int, id_: str, spec: Mapping[str, Any]) -> None:
        """Raises SpecError for variants that start from copies of the same weights: they are one under two names."""
        first = self._first.setdefault((id_, seed), variant.label)
        if first != variant.label and spec["init_from"] is not None:
            words = f"[{first}] and [{variant.label}] start from the same weights, and are the same in every setting"
            raise SpecError([Problem("sweep", words)])

    def _data_of(self, spec: Mapping[str, Any]) -> Data:
        key = json.dumps(spec["data"], sort_keys=True)
        if key not in self._data:
            self._data[key] = make_data(spec, self.loaded.catalog)
            self._data[key].prepare()
        return self._data[key]
