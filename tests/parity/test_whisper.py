"""Whisper: every case of the oracle, its weights read by the conversion."""

from __future__ import annotations

from torch import Tensor

from blocks.topology import EncoderDecoder, Topology

from .system import System


class Whisper(System):
    def run_loss(self, model: Topology, case: str) -> Tensor:
        # the sinusoids are not trained, but the oracle has a gradient for them
        assert isinstance(model, EncoderDecoder)
        model.encoder.positions.requires_grad_()
        return super().run_loss(model, case)


SYSTEM = Whisper("whisper", spec="tiny/whisper", conversion="whisper")
test_outputs, test_gradients, test_config = SYSTEM.tests()
