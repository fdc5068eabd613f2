"""Feed-forward sublayers."""

from blocks.feedforward.base import FeedForward
from blocks.feedforward.glu import Glu
from blocks.feedforward.mlp import Mlp

__all__ = ["FeedForward", "Glu", "Mlp"]
