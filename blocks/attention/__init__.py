"""Attention kinds."""

from blocks.attention.base import CAPABILITIES, Attention
from blocks.attention.bigbird import BigBird
from blocks.attention.full import FullAttention
from blocks.attention.linear import LinearAttention
from blocks.attention.longformer import Longformer
from blocks.attention.performer import Performer
from blocks.attention.transformer_xl import TransformerXLAttention
from blocks.attention.view import View

__all__ = [
    "CAPABILITIES",
    "Attention",
    "BigBird",
    "FullAttention",
    "LinearAttention",
    "Longformer",
    "Performer",
    "TransformerXLAttention",
    "View",
]
