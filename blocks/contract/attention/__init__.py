"""The contract of the attention family."""

from blocks.contract.attention import batch, common, cross, decoding, hooks, padding, segments, visibility

__all__ = ["batch", "common", "cross", "decoding", "hooks", "padding", "segments", "visibility"]
