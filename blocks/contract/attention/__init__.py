"""The contract of the attention family."""

# isort: off
# the declarations come first: what is wrong there explains much of what fails after it
from blocks.contract.attention import declared
from blocks.contract.attention import batch, common, cross, decoding, hooks, padding, segments, visibility, weights

# isort: on

__all__ = ["batch", "common", "cross", "declared", "decoding", "hooks", "padding", "segments", "visibility", "weights"]
