"""Tasks: one thin LightningModule for each objective."""

from experiments.tasks.base import Task
from experiments.tasks.causal_lm import CausalLM
from experiments.tasks.classification import Classification
from experiments.tasks.detection import Detection
from experiments.tasks.translation import Translation

__all__ = ["CausalLM", "Classification", "Detection", "Task", "Translation"]
