"""BigBird: every case of the oracle, its weights read by the conversion; and the tables of random blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from blocks.attention.random_blocks import Draw, Plan, random_blocks
from blocks.topology import Topology
from registry.assembly import resolve_block

from .system import Result, System

TABLES = {f"random_blocks_{layer}": "a table, compared below" for layer in range(3)}


class BigBird(System):
    """Cases differ in attention; the reference carries a pooler along that its head does not read."""

    def results(self, case: str, model: Topology) -> Iterator[Result]:
        attention = {**self.block["attention"], "plan": "zeros" if case.startswith("eval_quirk") else "published"}
        if self.oracle.meta["cases"][case]["options"]["attention_type"] == "original_full":
            attention = {"kind": "full"}
        yield from super().results(case, self.load(next(model.parameters()).dtype, attention=attention))

    def outputs(self, model: Topology, case: str) -> dict[str, Tensor]:
        found = super().outputs(model, case)
        first = found["last_hidden_state"][:, 0]
        weight, bias = (self.weights()[f"bert.pooler.{part}"].to(first.dtype) for part in ("weight", "bias"))
        return found | {"pooler_output": torch.tanh(functional.linear(first, weight, bias))}

    def gradients(self) -> dict[str, tuple[float, float]]:
        return {name: norms for name, norms in super().gradients().items() if not name.startswith("bert.pooler.")}

    def read_config(self) -> dict[str, Any]:
        config = {**self.oracle.meta["config"], "architectures": ["BigBirdForMaskedLM"]}
        return resolve_block(self.conversion.spec(config), self.catalog)


SYSTEM = BigBird("bigbird", spec="tiny/bigbird", conversion="bigbird", apart=TABLES)
test_outputs, test_gradients, test_config = SYSTEM.tests()


@pytest.mark.parametrize("dtype", [torch.float32], indirect=True)
@pytest.mark.parametrize(
    "case", [c for c in SYSTEM.cases if "random_blocks_0" in SYSTEM.oracle.meta["cases"][c]["outputs"]]
)
@pytest.mark.parametrize("layer", range(3))
def test_the_number_of_the_layer_draws_the_reference_s_blocks(case: str, layer: int) -> None:
    want = SYSTEM.oracle.tensors[f"{case}/out/random_blocks_{layer}"].long()
    plan: Plan = "zeros" if case.startswith("eval_quirk") else "published"
    draw = Draw(plan, want.shape[0], want.shape[2], block=4, seed=0, layer=layer, old_length=4096)
    table = random_blocks(draw, want.shape[1] + 2, causal=False)
    assert torch.equal(table[:, 1:-1], want)
