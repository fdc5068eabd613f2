"""Conditions of a sweep, {path: value or list of values}: which combinations have all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.sweep.axes import Factor
from experiments.sweep.labels import fits
from experiments.sweep.settings import Settings
from experiments.sweep.specs import Specs
from registry.errors import SpecError


@dataclass(frozen=True)
class Conditions:
    """Decides conditions. A path that is an axis is compared by its value there, any other by what the spec says."""

    factors: Mapping[str, Factor]
    specs: Specs

    def hold(self, when: Mapping[str, Any], steps: Mapping[str, int], settings: Settings) -> bool:
        """Whether all hold for a combination.

        steps: path of each axis that applies -> the step of its factor. settings: all of the combination.
        """
        return all(self._holds(path, wanted, steps, settings) for path, wanted in when.items())

    def _holds(self, path: str, wanted: Any, steps: Mapping[str, int], settings: Settings) -> bool:
        if path in steps:
            return steps[path] in self.factors[path].picks(path, wanted)
        try:
            value = self.specs.value(settings, path)
        except SpecError:
            # the check of the combination tells what is wrong with it
            return False
        return fits(wanted, value) or (isinstance(wanted, list) and any(fits(item, value) for item in wanted))
