"""BigBird by its spec: every case of the oracle, its weights read by the conversion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from blocks.topology import Topology
from registry.assembly import resolve_block

from .system import Result, System

TABLES = {f"random_blocks_{layer}": "a table, compared in test_bigbird.py" for layer in range(3)}


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
