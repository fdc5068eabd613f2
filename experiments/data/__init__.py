"""Data: text on disk turned into batches."""

from experiments.data.base import Data
from experiments.data.errors import BadData
from experiments.data.labelled import LabelledText
from experiments.data.parallel import ParallelText
from experiments.data.text import Text
from experiments.data.tokenizers import BytePairs, Bytes, Tokenizer

__all__ = ["BadData", "BytePairs", "Bytes", "Data", "LabelledText", "ParallelText", "Text", "Tokenizer"]
