"""Graphs as files, each compared with the model before it is kept."""

from __future__ import annotations

import copy
import importlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from blocks.topology import Topology
from experiments.exporting.graph import CAPTURED, CannotExport, Captured, Inputs, Said, capture, example_inputs
from experiments.extras import MissingExtra

TOLERANCE = 1e-4
"""How far a number of the file may be from the model's: as a share of it, and for numbers below 1 as they are."""
SHAPES = ((2, 9), (1, 17), (5, 12))
"""Rows and positions a row of the inputs on which the file is compared with the model."""

Run = Callable[[Inputs], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Written:
    """A file, the largest difference that was found, and which axes of its inputs may have any size."""

    path: Path
    difference: float
    free: Mapping[str, Mapping[int, str]]


def write_graph(model: Topology, folder: Path, format: str) -> Written:
    """Write model.onnx or model.pt2 into a folder, in float32, with inputs.json beside it.

    Raises CannotExport for a model that a graph cannot express, and where the file does not say what the model says;
    MissingExtra where ONNX is not installed.
    """
    if format == "onnx":
        # before anything that takes its time
        _demand_onnx()
    model = copy.deepcopy(model).float().eval().requires_grad_(False)
    captured = capture(model, model.longest)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"model.{ENDINGS[format]}"
    try:
        run = FORMATS[format](captured, path)
        difference = _compared(model, run, captured.free)
    except BaseException:
        path.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    described = {name: _described(value, captured.free[name]) for name, value in _captured_with(model).items()}
    (folder / "inputs.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    return Written(path, difference, captured.free)


def _torch_program(captured: Captured, path: Path) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # without its inner blocks, such as those that switch autocast off, for which files have no form
            torch.export.save(captured.program.run_decompositions({}), path)
        # the writer raises whatever it meets on the way
        except Exception as error:
            words = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise CannotExport(f"torch cannot write a part of it to a file: {words[:300]}") from None
        program = torch.export.load(path).module()
    return lambda inputs: dict(program(inputs))


def _demand_onnx() -> None:
    try:
        for name in ("onnx", "onnxruntime", "onnxscript"):
            importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtra(f"--as onnx: {error.name} is not installed: pip install 'swapformer[onnx]'") from None


def _onnx(captured: Captured, path: Path) -> Run:
    import onnxruntime

    names = list(captured.free)
    outputs = list(captured.program.call_spec.out_spec.context)
    with _quiet():
        try:
            made = torch.onnx.export(
                captured.program, dynamo=True, verbose=False, input_names=names, output_names=outputs
            )
            assert made is not None
            made.save(path)
        # the exporter raises whatever it meets on the way
        except Exception as error:
            cause = error.__cause__ or error
            words = next((line.strip() for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
            raise CannotExport(f"ONNX cannot express a part of it: {words[:300]}") from None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    taken = {given.name for given in session.get_inputs()}

    def run(inputs: Inputs) -> Mapping[str, Tensor]:
        found = session.run(None, {name: value.numpy() for name, value in inputs.items() if name in taken})
        return {o.name: torch.from_numpy(value) for o, value in zip(session.get_outputs(), found, strict=True)}

    return run


ENDINGS = {"onnx": "onnx", "torch": "pt2"}
FORMATS: dict[str, Callable[[Captured, Path], Run]] = {"onnx": _onnx, "torch": _torch_program}


def _captured_with(model: Topology) -> Inputs:
    rows, length = CAPTURED
    return example_inputs(model, rows, min(length, model.longest or length))


def _compared(model: Topology, run: Run, free: Mapping[str, Mapping[int, str]]) -> float:
    """The largest difference on inputs of every shape that the file takes. Raises CannotExport beyond TOLERANCE."""
    words = {word for axes in free.values() for word in axes.values()}
    rows, length = CAPTURED
    shapes = [(b if "rows" in words else rows, n if words > {"rows"} else length) for b, n in SHAPES]
    most = 0.0
    for b, n in dict.fromkeys([CAPTURED, *shapes]):
        inputs = example_inputs(model, b, min(n, model.longest or n))
        with torch.no_grad():
            wanted = Said(model)(inputs)
        found = run(inputs)
        for name, value in wanted.items():
            apart = (found[name] - value).abs() / value.abs().clamp(min=1)
            # padding says nothing, so nothing is asked of it
            valid = inputs.get("valid")
            if valid is not None and value.shape[:2] == valid.shape:
                apart = apart[valid]
            largest = float(apart.max()) if apart.numel() else 0.0
            if not largest <= TOLERANCE:
                words_ = f"{name} of the file differs from the model's by {largest:.2g}, more than {TOLERANCE:g}"
                raise CannotExport(f"{words_} (float32, {b} rows of {n}); nothing is kept")
            most = max(most, largest)
    return most


def _described(value: Tensor, free: Mapping[int, str]) -> dict[str, Any]:
    kind = str(value.dtype).removeprefix("torch.")
    return {"type": kind, "shape": [free.get(axis, size) for axis, size in enumerate(value.shape)]}


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside, nobody tells which optional operators are not there."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
