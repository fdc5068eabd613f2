"""Where a training starts from: weights that were learned before, what of them is kept still, and adapters."""

from experiments.start.options import InitFrom, Lora

__all__ = ["InitFrom", "Lora"]
