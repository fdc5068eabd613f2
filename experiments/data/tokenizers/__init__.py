"""From text to tokens and back, one kind a file.

Special tokens, where data need them, are the last ids of the vocabulary; only those that a user's own tokenizer already
has keep their places.
"""

from experiments.data.tokenizers.base import SPECIALS, Specials, Tokenizer, special_names
from experiments.data.tokenizers.bpe import BytePairs
from experiments.data.tokenizers.byte import Bytes
from experiments.data.tokenizers.byte_level import byte_level
from experiments.data.tokenizers.characters import Characters
from experiments.data.tokenizers.file import FromFile
from experiments.data.tokenizers.unigram import Unigram
from experiments.data.tokenizers.wordpiece import WordPiece
from experiments.data.tokenizers.words import Words

__all__ = [
    "SPECIALS",
    "BytePairs",
    "Bytes",
    "Characters",
    "FromFile",
    "Specials",
    "Tokenizer",
    "Unigram",
    "WordPiece",
    "Words",
    "byte_level",
    "special_names",
]
