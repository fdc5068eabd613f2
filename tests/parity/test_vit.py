"""ViT: every case of the oracle, its weights read by the conversion."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from blocks.tap import Tap
from blocks.topology import Output
from registry.assembly import resolve_block

from .system import System


class ViT(System):
    """Its last hidden state is from before the last norm, and its config does not say how many classes there are."""

    def looked_at(self, tap: Tap, out: Output) -> dict[str, Tensor]:
        found = super().looked_at(tap, out)
        return found | {f"hidden_{i}": state for i, state in enumerate(tap.hidden["encoder"])}

    def read_config(self) -> dict[str, Any]:
        labels = {str(number): f"LABEL_{number}" for number in range(7)}
        return resolve_block(self.conversion.spec({**self.oracle.meta["config"], "id2label": labels}), self.catalog)


SYSTEM = ViT("vit", spec="tiny/vit", conversion="vit")
test_outputs, test_gradients, test_config = SYSTEM.tests()
