"""Runs to start from."""

from fine_tuning import swapformer, workplace  # noqa: F401 (fixtures)
