"""Which variants are said to go together with nothing that is tuned."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.sweep.plan import make_plan
from experiments.sweep.specs import Specs
from registry.errors import Problem, SpecError
from registry.load import Incompatible, load

BASE: dict[str, Any] = {
    "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
    "data": "text",
    "task": "causal_lm",
    "trainer": {"max_steps": 2},
}


def plan(tune: dict[str, Any]) -> list[str]:
    spec = {**BASE, "sweep": {"axes": {"model.norm": ["layer", "rms"]}, "tune": tune}}
    return [variant.label for variant in make_plan(load(spec)).variants]


def test_values_that_fit_crosswise_only_fit() -> None:
    # 15 / 2 and 16 / 5 do not, 16 / 2 does
    assert plan({"model.dim": [15, 16], "model.heads": [2, 5]}) == ["layer", "rms"]
    with pytest.raises(SpecError, match=r"\[layer\] goes together with none of these settings: dim \(15\)"):
        plan({"model.dim": [15, 17], "model.heads": [2, 7]})


def test_one_choice_with_two_faults_does_not_speak_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Specs.of

    def of(self: Specs, settings: Any, label: str, seed: int | None = None) -> dict[str, Any]:
        if dict(settings).get("model.dropout") == 0.5:
            raise Incompatible([Problem("model", "one fault"), Problem("model", "another")])
        return plain(self, settings, label, seed)

    monkeypatch.setattr(Specs, "of", of)
    assert plan({"model.dropout": [0.1, 0.5]}) == ["layer", "rms"]
