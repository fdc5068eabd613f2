"""The contract of the topology family: whole models."""

from blocks.contract.topology import common, decoding, padding, visibility

__all__ = ["common", "decoding", "padding", "visibility"]
