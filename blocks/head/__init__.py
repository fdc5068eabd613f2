"""Heads."""

from blocks.head.base import Head
from blocks.head.classification import ClassificationHead
from blocks.head.lm import LMHead

__all__ = ["ClassificationHead", "Head", "LMHead"]
