"""Attention kinds."""

from blocks.attention.base import CAPABILITIES, Attention
from blocks.attention.full import FullAttention
from blocks.attention.linear import LinearAttention
from blocks.attention.longformer import Longformer
from blocks.attention.performer import Performer
from blocks.attention.view import View

__all__ = ["CAPABILITIES", "Attention", "FullAttention", "LinearAttention", "Longformer", "Performer", "View"]
