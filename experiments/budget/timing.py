"""How long an optimizer step takes, measured in a process of its own and remembered."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from experiments.atomic import write_json
from experiments.results.lenient import number, read_json
from experiments.trial_spec import content
from registry.catalog import Catalog

Full = Mapping[str, Any]

WARM_UP = 3
"""Steps before the first that counts: these load and warm up what later ones find ready."""
_LEAST, _MOST = 10, 200
_SECONDS = 2.0


class Timings:
    """Seconds per optimizer step, one model after the other in one other process, with one thread and on one device.

    remembered: a JSON file to read them from and write them to: timings differ from run to run, and a sweep that is
    continued must come to the same trials. Its folder is made when there is something to write. keep: write to it.
    """

    def __init__(self, remembered: Path | None, tell: Callable[[str], None], *, keep: bool = True) -> None:
        self._path = remembered
        self._keep = keep
        self._tell = tell
        self._process: ProcessPoolExecutor | None = None
        found = {} if remembered is None else read_json(remembered, []) or {}
        self._known = {key: seconds for key, value in found.items() if (seconds := number(value)) and seconds > 0}

    def __enter__(self) -> Timings:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.shutdown(cancel_futures=True)

    def seconds_per_step(self, full: Full, catalog: Catalog, label: str) -> float:
        """Of a full spec with the sizes that its data know.

        Raises Untimed when the process dies, and whatever else stops the training.
        """
        key = _key(full)
        if key not in self._known:
            self._known[key] = self._timed(full, catalog, label)
            self._tell(f"budget: [{label}] takes {self._known[key] * 1e3:,.1f} ms a step")
            if self._path is not None and self._keep:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_json(self._path, self._known)
        return self._known[key]

    def _timed(self, full: Full, catalog: Catalog, label: str) -> float:
        if self._process is None:
            self._process = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        try:
            return self._process.submit(time_steps, dict(full), catalog).result()
        except BrokenProcessPool as error:
            self._process = None
            raise Untimed(f"[{label}] could not be timed: the process died, perhaps for want of memory") from error
        except (RuntimeError, ValueError, TypeError) as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise Untimed(f"[{label}] could not be timed: {words}") from error


class Untimed(RuntimeError):
    """Steps that could not be timed; the message says of which variant and why."""


def _key(full: Full) -> str:
    """A hash of everything that a step depends on: not the seed, and not how many steps there are."""
    trainer = {name: value for name, value in full["trainer"].items() if name not in ("max_steps", "max_epochs")}
    counted = {name: value for name, value in content(full).items() if name not in ("seed", "schedule", "metric")}
    text = json.dumps({**counted, "trainer": trainer}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def time_steps(full: dict[str, Any], catalog: Catalog) -> float:
    """The median of some steps of training, on the data's own batches, Lightning's part left out. In seconds."""
    import statistics
    import time

    import torch

    from experiments.making import make_parts
    from experiments.streams import initialisation

    torch.set_num_threads(1)
    with initialisation(full["seed"]):
        parts = make_parts(full, catalog)
    parts.data.prepare()
    options = full["trainer"]
    device = torch.device("cpu")
    if options["accelerator"] != "cpu" and torch.accelerator.is_available():
        device = torch.accelerator.current_accelerator() or device
    task = parts.task.to(device).train()
    step = _Step(task, iter(parts.data.train_loader()), options, device)
    spent: list[float] = []
    for turn in range(WARM_UP + _MOST):
        begin = time.perf_counter()
        step()
        if turn >= WARM_UP:
            spent.append(time.perf_counter() - begin)
        if len(spent) >= _LEAST and math.fsum(spent) >= _SECONDS:
            break
    return statistics.median(spent)


class _Step:
    """One optimizer step after the other, as the trainer's options have them."""

    def __init__(self, task: Any, batches: Any, options: Mapping[str, Any], device: Any) -> None:
        import torch

        self.task, self.batches, self.options, self.device = task, batches, options, device
        precision = options["precision"]
        kinds = {"64": torch.float64, "32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}
        self.dtype = kinds[precision.split("-")[0]]
        self.mixed = precision.endswith("mixed")
        if not self.mixed:
            task.model.to(self.dtype)
        self.optimizer = task.recipe[0].build(task.model, mixed=self.mixed)

    def __call__(self) -> None:
        import torch

        self.optimizer.zero_grad()
        for _ in range(self.options["accumulate_grad_batches"]):
            batch = {name: tensor.to(self.device) for name, tensor in next(self.batches).items()}
            with torch.autocast(self.device.type, self.dtype, enabled=self.mixed):
                loss = self.task.loss(batch)
            loss.backward()
        if self.options["gradient_clip_val"] is not None:
            torch.nn.utils.clip_grad_norm_(self.task.model.parameters(), self.options["gradient_clip_val"])
        self.optimizer.step()
        if self.device.type != "cpu":
            torch.accelerator.synchronize()
