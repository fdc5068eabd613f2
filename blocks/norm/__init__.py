"""Norms."""

from blocks.norm.base import Norm
from blocks.norm.layer import LayerNorm
from blocks.norm.none import NoNorm
from blocks.norm.rms import RMSNorm

__all__ = ["LayerNorm", "NoNorm", "Norm", "RMSNorm"]
