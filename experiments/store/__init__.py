"""The results of a sweep as one SQLite file: a copy of what the trial folders say, for queries."""

from experiments.store.database import DATABASE, StoreError
from experiments.store.store import Store, rebuild

__all__ = ["DATABASE", "Store", "StoreError", "rebuild"]
