"""Data: text on disk turned into batches."""

from experiments.data.base import Data
from experiments.data.corrupted_text import CorruptedText
from experiments.data.errors import BadData
from experiments.data.images import LabelledImages
from experiments.data.labelled import LabelledText
from experiments.data.labelled_tokens import LabelledTokens
from experiments.data.masked_text import MaskedText
from experiments.data.objects import ObjectImages
from experiments.data.parallel import ParallelText
from experiments.data.passages import Passages
from experiments.data.questions import Questions
from experiments.data.scenes import Scenes
from experiments.data.series import Series
from experiments.data.speech import Speech
from experiments.data.text import Text
from experiments.data.text_to_text import TextToText
from experiments.data.tokenizers import BytePairs, Bytes, Tokenizer

__all__ = [
    "BadData",
    "BytePairs",
    "Bytes",
    "CorruptedText",
    "Data",
    "LabelledImages",
    "LabelledText",
    "LabelledTokens",
    "MaskedText",
    "ObjectImages",
    "ParallelText",
    "Passages",
    "Questions",
    "Scenes",
    "Series",
    "Speech",
    "Text",
    "TextToText",
    "Tokenizer",
]
