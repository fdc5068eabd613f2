"""Checkpoints of Phi-3 against transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from registry import load_pretrained
from registry.assembly import resolve_block
from registry.catalog import Catalog
from registry.pretrained import empty_model, filled
from registry.state import owned

from .family import Family, _compare, family_test, theirs

test_phi3 = family_test(
    "phi3",
    {},
    {"rope_scaling": None, "partial_rotary_factor": 0.7, "sliding_window": None, "tie_word_embeddings": True},
)


@pytest.mark.parity
def test_short_texts_use_the_short_factors_where_the_spec_says_so(tmp_path: Path) -> None:
    family = Family("phi3", {"original_max_position_embeddings": 32})
    with theirs():
        family.reference.save_pretrained(tmp_path)
    model = load_pretrained(tmp_path)
    catalog, position = Catalog.load(), model.spec["position"]  # type: ignore[index]
    assert position["scaling"]["use"] == "long"
    short = {**position, "scaling": {**position["scaling"], "use": "short"}}
    changed = empty_model(resolve_block({**model.spec, "position": short}, catalog), catalog, torch.float64)  # type: ignore[dict-item]
    changed = filled(changed, owned(model).items(), torch.float64)
    for case in family.cases:
        with torch.no_grad(), theirs():
            want = family.reference(**case.theirs).logits
        with torch.no_grad():
            _compare(case.name, changed(**case.ours), want, case.valid)
