"""GPT-2: every case of the oracle, its weights read by the conversion."""

from __future__ import annotations

from .system import System

SYSTEM = System("gpt2", spec="tiny/gpt2", conversion="gpt2")
test_outputs, test_gradients, test_config = SYSTEM.tests()
