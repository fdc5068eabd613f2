"""One trial from its resolved spec to its summary; the same call starts it, resumes it, or finds it done."""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning import Callback, Trainer
from torch import nn

from experiments.atomic import remove_strays, write_json, write_text
from experiments.data.base import Data
from experiments.results.plan import Metric
from experiments.streams import initialisation
from experiments.tasks.base import Task
from experiments.training.checkpoint_io import BEST, AtomicCheckpointIO, copy_checkpoint, newest
from experiments.training.csv_logger import CsvLogger
from experiments.training.divergence import DivergenceGuard
from experiments.training.dropout_stream import DropoutStream
from experiments.training.early_stop import EarlyStop
from experiments.training.errors import CannotResume, Diverged, Interrupted, StopNow
from experiments.training.folder_lock import only_one
from experiments.training.interrupts import Interrupts
from experiments.training.loggers import build_loggers
from experiments.training.meter import Meter, peak_memory_mb
from experiments.training.options import EarlyStopping, trainer_arguments
from experiments.training.quiet import log_file
from experiments.training.saving import Saving
from experiments.training.status import Event, Progress, RunState
from experiments.trial_spec import content
from registry.yaml_reader import read_yaml, read_yaml_text
from registry.yaml_writer import dump_yaml

Spec = Mapping[str, Any]
Summary = dict[str, Any]
Measure = Callable[[nn.Module], Mapping[str, Any]]


@dataclass(frozen=True)
class Parts:
    """What a spec comes to: the data, and the task with its model in it."""

    data: Data
    task: Task


def run_trial(
    spec: Spec,
    folder: Path,
    *,
    build_parts: Callable[[Spec], Parts],
    on_progress: Callable[[Event], None] | None = None,
    measure: Measure | None = None,
) -> Summary:
    """Train what a resolved spec describes, in its own folder.

    A folder that holds a summary is returned as it is; one that holds a checkpoint is continued from there, with the
    same batches and the same random numbers as without the interruption.

    build_parts: makes data, model and task; called inside the initialisation stream of the seed.
    on_progress: told about steps, validations, saves; see `Progress`.
    measure: further facts about the model for the summary, say parameters by part.

    Returns the summary; its "status" is "finished", "diverged" or "interrupted" (then it has "signal" and "exit_code",
    and is not written). Raises Busy, CannotResume, BadData, MissingExtra, and whatever else fails, after noting it in
    `state.json` and `log.txt`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder, "another process is training here"):
        done = read_summary(folder)
        return done if done is not None else _Trial(spec, folder, on_progress).run(build_parts, measure)


def read_summary(folder: Path) -> Summary | None:
    """The summary of a trial that has come to its end, or None.

    One that cannot be read, damaged by the disk or by hand, counts as none: its trial goes on from the last checkpoint.
    """
    try:
        found = json.loads((folder / "summary.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) and "status" in found else None


def exit_code(summary: Summary) -> int:
    """0 finished, 3 diverged, 128 + the signal when interrupted."""
    codes = {"finished": 0, "diverged": 3}
    return codes[summary["status"]] if summary["status"] in codes else int(summary["exit_code"])


class _Trial:
    def __init__(self, spec: Spec, folder: Path, on_progress: Callable[[Event], None] | None) -> None:
        self.spec = spec
        self.folder = folder
        self.checkpoints = folder / "checkpoints"
        self.seed = int(spec.get("seed", 0))
        self.meter = Meter()
        self.state = RunState(folder)
        self.progress = Progress(self.state, self.meter, on_progress)
        self.csv = CsvLogger(folder / "metrics.csv", lambda: self.meter.seconds)
        self.early_stop: EarlyStop | None = None

    def run(self, build_parts: Callable[[Spec], Parts], measure: Measure | None) -> Summary:
        self._claim_folder()
        with log_file(self.folder / "log.txt") as log, Interrupts() as interrupts:
            self.note = log.warning
            try:
                self.state.write("running")
                summary = self._train(build_parts, interrupts)
                if measure is not None:
                    summary |= measure(self.task.model)
            except Diverged as error:
                summary = self._diverged(error)
            except (Interrupted, StopNow) as stop:
                self._end("interrupted", str(stop))
                return {"status": "interrupted", "signal": stop.signum, "exit_code": 128 + stop.signum}
            except BaseException as error:
                log.error("failed\n%s", traceback.format_exc())
                self._end("failed", "".join(traceback.format_exception_only(error)).strip().splitlines()[0])
                raise
            write_json(self.folder / "summary.json", summary)
            self._end(summary["status"], summary.get("reason"))
            return summary

    def _claim_folder(self) -> None:
        self.checkpoints.mkdir(exist_ok=True)
        for folder in (self.folder, self.checkpoints):
            remove_strays(folder)
        path, text = self.folder / "spec.yaml", dump_yaml(self.spec)
        if path.exists() and content(read_yaml(path).value) != content(read_yaml_text(text).value):
            raise CannotResume(f"{path}: this folder belongs to another spec; choose another folder or name")
        write_text(path, text)

    def _train(self, build_parts: Callable[[Spec], Parts], interrupts: Interrupts) -> Summary:
        with initialisation(self.seed):
            parts = build_parts(self.spec)
        data, self.task = parts.data, parts.task
        data.prepare()
        data.save(self.folder)
        self.task.spec = json.loads(json.dumps(self.spec))
        self.task.fingerprint = data.fingerprint()
        train, valid = data.train_loader(), data.eval_loader()
        arguments = trainer_arguments(self.spec.get("trainer", {}), len(train))
        self.state.max_steps = arguments["max_steps"]
        path = self._resume(data)
        saving = self._saving(interrupts)
        trainer = Trainer(
            **arguments,
            logger=[self.csv, *build_loggers(self.spec.get("loggers") or [], self.folder, self.folder.name)],
            callbacks=self._callbacks(saving, interrupts),
            plugins=[AtomicCheckpointIO(), LightningEnvironment()],
            default_root_dir=self.folder,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_autolog_hparams=False,
            num_sanity_val_steps=0,
        )
        interrupts.stop_if_asked()
        trainer.fit(self.task, train, valid, ckpt_path=path, weights_only=True)
        self.state.step = trainer.global_step
        if saving.validated_step != trainer.global_step and trainer.limit_val_batches:
            best_before = saving.best_step
            trainer.validate(self.task, valid, verbose=False)
            if saving.best_step != best_before:
                copy_checkpoint(saving.last, saving.best)
        interrupts.stop_if_asked()
        return self._summary("finished", saving)

    def _resume(self, data: Data) -> Path | None:
        """The checkpoint to go on from, with the metrics file cut back to it; None to start from the beginning."""
        found = newest(self.checkpoints, self._tell)
        if found is None:
            self.csv.resume(-1, -1)
            return None
        path, checkpoint = found
        if checkpoint.get("data") != data.fingerprint():
            raise CannotResume(f"{path}: the data have changed since; start again in another folder")
        step = int(checkpoint["global_step"])
        saved = checkpoint["callbacks"]["Saving"]
        if saved["best_metrics"] and saved["best_step"] == step:
            # a kill may have come between saving it and naming it the best
            copy_checkpoint(path, self.checkpoints / BEST)
        validated = saved["validated_step"]
        self.csv.resume(step, -1 if validated is None else validated)
        self.state.step = step
        self._tell(f"continuing from step {step} ({path.name})")
        return path

    def _saving(self, interrupts: Interrupts) -> Saving:
        metric = Metric(**self.spec.get("metric") or {})
        every = (self.spec.get("checkpoint") or {}).get("every")
        return Saving(self.checkpoints, metric, every, interrupts, self.progress.saved)

    def _callbacks(self, saving: Saving, interrupts: Interrupts) -> list[Callback]:
        before: list[Callback] = [self.meter, DropoutStream(self.seed), DivergenceGuard()]
        if self.spec.get("early_stopping"):
            self.early_stop = EarlyStop(EarlyStopping(**self.spec["early_stopping"]))
            before.append(self.early_stop)
        # saving comes after all whose state it saves, and may raise, so what only tells comes before it
        return [*before, self.progress, saving, interrupts]

    def _summary(self, status: str, saving: Saving | None) -> Summary:
        best = saving.best_metrics if saving else {}
        return {
            "status": status,
            "reason": self.early_stop.reason if self.early_stop else None,
            "metrics": _finite(saving.metrics if saving else {}),
            "best_metrics": _finite(best),
            "best_step": saving.best_step if saving else None,
            "steps": self.state.step,
            "seed": self.seed,
            "parameters": sum(p.numel() for p in self.task.model.parameters()),
            "tokens": self.meter.tokens,
            "tokens_per_second": self.meter.tokens_per_second,
            "train_seconds": self.meter.seconds,
            "peak_memory_mb": peak_memory_mb(),
        }

    def _diverged(self, error: Diverged) -> Summary:
        found = newest(self.checkpoints, self._tell)
        good = "no checkpoint before it"
        if found is not None:
            good = f"last good checkpoint: step {found[1]['global_step']}, {found[0].relative_to(self.folder)}"
        self.state.step = error.step
        return self._summary("diverged", None) | {"reason": f"{error}; {good}", "steps": error.step}

    def _end(self, status: Any, reason: str | None) -> None:
        self.state.write(status, reason)
        self.progress.send("end", status=status, reason=reason)

    def _tell(self, text: str) -> None:
        self.note(text)
        self.progress.send("note", text=text)


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if math.isfinite(value)}
