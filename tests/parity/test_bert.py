"""BERT's pre-training: every case of the oracle, its weights read by the conversion."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from blocks.topology import Output, Topology

from .system import System


class Bert(System):
    """Two outputs beside the logits, and a loss that is the sum of two."""

    def outputs(self, model: Topology, case: str) -> dict[str, Tensor]:
        found = super().outputs(model, case)
        names = {"prediction_logits": "logits", "seq_relationship_logits": "nsp", "pooler_output": "pooled"}
        return found | {theirs: found[ours] for theirs, ours in names.items()}

    def loss(self, case: str, out: Output) -> Tensor:
        follows = self.oracle.input(case, "next_sentence_label")
        return super().loss(case, out) + functional.cross_entropy(out.beside["nsp"], follows)


SYSTEM = Bert("bert", spec="tiny/bert", conversion="bert")
test_outputs, test_gradients, test_config = SYSTEM.tests()
