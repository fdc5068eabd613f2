"""Heads."""

from blocks.head.adaptive_softmax import AdaptiveSoftmaxHead
from blocks.head.base import Head
from blocks.head.classification import ClassificationHead
from blocks.head.detection import DetectionHead
from blocks.head.distillation import DistillationHead
from blocks.head.hidden import HiddenHead
from blocks.head.lm import LMHead
from blocks.head.mlm import MLMHead
from blocks.head.regression import RegressionHead
from blocks.head.span import SpanHead
from blocks.head.token_classification import TokenClassificationHead
from blocks.head.token_regression import TokenRegressionHead

__all__ = [
    "AdaptiveSoftmaxHead",
    "ClassificationHead",
    "DetectionHead",
    "DistillationHead",
    "Head",
    "HiddenHead",
    "LMHead",
    "MLMHead",
    "RegressionHead",
    "SpanHead",
    "TokenClassificationHead",
    "TokenRegressionHead",
]
