"""T5 v1.0 and v1.1: every case of the oracles, their weights read by the conversion."""

from __future__ import annotations

import pytest
import torch

from registry.assembly import resolve_block
from registry.faithful import differences

from .system import System

V1_0 = System("t5_v1_0", spec="tiny/t5-v1.0", conversion="t5")
V1_1 = System("t5_v1_1", spec="tiny/t5-v1.1", conversion="t5")
test_outputs_v1_0, test_gradients_v1_0, test_config_v1_0 = V1_0.tests()
test_outputs_v1_1, test_gradients_v1_1, test_config_v1_1 = V1_1.tests()


@pytest.mark.parametrize("dtype", [torch.float64], indirect=True)
def test_another_dropout_is_no_other_model() -> None:
    config = {**V1_0.oracle.meta["config"], "dropout_rate": 0.3}
    block = resolve_block(V1_0.conversion.spec(config), V1_0.catalog)
    assert block["final_dropout"] == 0.3
    assert differences(block, V1_0.block, V1_0.catalog) == {}
