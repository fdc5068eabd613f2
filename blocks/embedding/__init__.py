"""Embeddings."""

from blocks.embedding.adaptive import AdaptiveEmbedding
from blocks.embedding.audio import AudioEmbedding
from blocks.embedding.base import Embedded, Embedding, Marks, Place, required
from blocks.embedding.image_features import ImageFeatures
from blocks.embedding.patches import PatchEmbedding
from blocks.embedding.queries import Queries
from blocks.embedding.series import SeriesEmbedding
from blocks.embedding.tokens import TokenEmbedding
from blocks.embedding.vectors import VectorEmbedding

__all__ = [
    "AdaptiveEmbedding",
    "AudioEmbedding",
    "Embedded",
    "Embedding",
    "ImageFeatures",
    "Marks",
    "PatchEmbedding",
    "Place",
    "Queries",
    "SeriesEmbedding",
    "TokenEmbedding",
    "VectorEmbedding",
    "required",
]
