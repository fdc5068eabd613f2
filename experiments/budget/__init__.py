"""Budgets: variants that are brought to the same parameters, arithmetic, time, tokens or memory."""

from experiments.budget.solve import solve

__all__ = ["solve"]
