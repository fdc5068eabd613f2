"""Decoding: from a prompt to new tokens, by any topology that gives the next token."""

from blocks.generation.decoding import Decoding
from blocks.generation.generate import generate, stream

__all__ = ["Decoding", "generate", "stream"]
