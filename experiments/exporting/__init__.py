"""A model as a graph that runs without this project: torch's own programs (.pt2) and ONNX."""

from experiments.exporting.files import FORMATS, write_graph
from experiments.exporting.graph import CannotExport

__all__ = ["FORMATS", "CannotExport", "write_graph"]
