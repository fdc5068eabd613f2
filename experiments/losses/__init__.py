"""Losses that are more than one formula."""

from experiments.losses.matching import Matching, match
from experiments.losses.set_prediction import LayerLoss, Objects, Predictions, SetLoss, Weights, set_loss

__all__ = ["LayerLoss", "Matching", "Objects", "Predictions", "SetLoss", "Weights", "match", "set_loss"]
