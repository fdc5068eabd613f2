"""Tasks: one thin LightningModule for each objective."""

from experiments.tasks.base import Task
from experiments.tasks.causal_lm import CausalLM
from experiments.tasks.classification import Classification
from experiments.tasks.detection import Detection
from experiments.tasks.diagnostic import Diagnostic
from experiments.tasks.forecasting import Forecasting
from experiments.tasks.in_context_regression import InContextRegression
from experiments.tasks.masked_lm import MaskedLM
from experiments.tasks.question_answering import QuestionAnswering
from experiments.tasks.reconstruction import Reconstruction
from experiments.tasks.retrieval import Retrieval
from experiments.tasks.span_corruption import SpanCorruption
from experiments.tasks.text_to_text import TextToTextTask
from experiments.tasks.token_classification import TokenClassification
from experiments.tasks.transcription import Transcription
from experiments.tasks.translation import Translation

__all__ = [
    "CausalLM",
    "Classification",
    "Detection",
    "Diagnostic",
    "Forecasting",
    "InContextRegression",
    "MaskedLM",
    "QuestionAnswering",
    "Reconstruction",
    "Retrieval",
    "SpanCorruption",
    "Task",
    "TextToTextTask",
    "TokenClassification",
    "Transcription",
    "Translation",
]
