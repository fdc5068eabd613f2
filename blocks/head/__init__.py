"""Heads."""

from blocks.head.adaptive_softmax import AdaptiveSoftmaxHead
from blocks.head.base import Head
from blocks.head.classification import ClassificationHead
from blocks.head.detection import DetectionHead
from blocks.head.distillation import DistillationHead
from blocks.head.forecast import ForecastHead
from blocks.head.hidden import HiddenHead
from blocks.head.lm import LMHead
from blocks.head.matching import MatchingHead
from blocks.head.mlm import MLMHead
from blocks.head.reconstruction import ReconstructionHead
from blocks.head.regression import RegressionHead
from blocks.head.span import SpanHead
from blocks.head.token_classification import TokenClassificationHead
from blocks.head.token_regression import TokenRegressionHead
from blocks.head.vector import VectorHead

__all__ = [
    "AdaptiveSoftmaxHead",
    "ClassificationHead",
    "DetectionHead",
    "DistillationHead",
    "ForecastHead",
    "Head",
    "HiddenHead",
    "LMHead",
    "MLMHead",
    "MatchingHead",
    "ReconstructionHead",
    "RegressionHead",
    "SpanHead",
    "TokenClassificationHead",
    "TokenRegressionHead",
    "VectorHead",
]
