"""Scalings of rotary positions."""

from blocks.scaling.base import Scaling
from blocks.scaling.linear import LinearScaling
from blocks.scaling.llama3 import Llama3Scaling
from blocks.scaling.longrope import LongRopeScaling
from blocks.scaling.ntk import NTKScaling
from blocks.scaling.yarn import YarnScaling

__all__ = ["LinearScaling", "Llama3Scaling", "LongRopeScaling", "NTKScaling", "Scaling", "YarnScaling"]
