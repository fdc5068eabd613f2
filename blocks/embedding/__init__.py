"""Embeddings."""

from blocks.embedding.base import Embedding
from blocks.embedding.tokens import TokenEmbedding

__all__ = ["Embedding", "TokenEmbedding"]
