"""Data made by rule: diagnostic tasks, and long sequences."""

from experiments.data.generated.addition import Addition
from experiments.data.generated.base import Generated
from experiments.data.generated.compression import Compression
from experiments.data.generated.copying import Copy
from experiments.data.generated.dyck import Dyck
from experiments.data.generated.fuzzy_recall import FuzzyRecall
from experiments.data.generated.induction import Induction
from experiments.data.generated.listops import ListOps
from experiments.data.generated.noisy_recall import NoisyRecall
from experiments.data.generated.parity import Parity
from experiments.data.generated.pathfinder import Pathfinder
from experiments.data.generated.pixels import Pixels
from experiments.data.generated.recall import Recall
from experiments.data.generated.regression import Regression
from experiments.data.generated.reversal import Reversal
from experiments.data.generated.selective_copy import SelectiveCopy
from experiments.data.generated.sorting import Sorting

__all__ = [
    "Addition",
    "Compression",
    "Copy",
    "Dyck",
    "FuzzyRecall",
    "Generated",
    "Induction",
    "ListOps",
    "NoisyRecall",
    "Parity",
    "Pathfinder",
    "Pixels",
    "Recall",
    "Regression",
    "Reversal",
    "SelectiveCopy",
    "Sorting",
]
