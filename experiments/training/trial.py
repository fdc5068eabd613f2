"""One trial from its resolved spec to its summary; the same call starts it, resumes it, or finds it done."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

from torch import nn

from experiments.atomic import remove_strays, write_json, write_text
from experiments.data.base import Data
from experiments.ranks import Ranks
from experiments.results.lenient import read_json
from experiments.training.checkpoint_io import BEST, copy_checkpoint, newest
from experiments.training.connection import lost_ranks_told
from experiments.training.csv_logger import CsvLogger
from experiments.training.errors import (
    CannotResume,
    Diverged,
    Interrupted,
    Paused,
    StopNow,
    full_disk_named,
    reason_of,
)
from experiments.training.fitting import BuildParts, Fit, Outlets, Parts, Report, Spec, built, finite
from experiments.training.folder_lock import only_one
from experiments.training.interrupts import Interrupts
from experiments.training.launch import Request, launched
from experiments.training.loggers import build_loggers
from experiments.training.meter import Meter, peak_memory_mb
from experiments.training.places import Place, world_of
from experiments.training.quiet import log_file
from experiments.training.started import follow, leading
from experiments.training.status import Event, Progress, RunState, Status
from experiments.trial_spec import content
from registry.yaml_reader import read_yaml, read_yaml_text
from registry.yaml_writer import dump_yaml

__all__ = ["Parts", "exit_code", "read_summary", "run_trial"]

STARTED_FROM = "init_from.json"
"""What a run started from: which weights were loaded, which are new, which were left."""

Summary = dict[str, Any]
Measure = Callable[[nn.Module], Mapping[str, Any]]
Begin = Callable[[Path | None], AbstractContextManager[Any]]
"""Inside, all ranks are there, and know from which checkpoint to go on."""


def run_trial(
    spec: Spec,
    folder: Path,
    *,
    build_parts: BuildParts,
    on_progress: Callable[[Event], None] | None = None,
    measure: Measure | None = None,
    until: int | None = None,
    place: Place | None = None,
) -> Summary:
    """Train what a resolved spec describes, in its own folder.

    A folder that holds a summary is returned as it is; one that holds a checkpoint is continued from there, with the
    same batches and the same random numbers as without the interruption. Where the spec asks for several devices, the
    processes for the others are started on this machine.

    build_parts: makes data, model and task; called inside the initialisation stream of the seed. Several processes each
        call it, so it must be picklable then.
    on_progress: told about steps, validations, saves; see `Progress`.
    measure: further facts about the model for the summary, say parameters by part.
    until: pause at the first validation at or after this optimizer step; a later call goes on.
    place: of this process, if torchrun or srun has started all of them (see `places.outside`); each makes this call
        and gets the same summary, the first does all that is said here.

    Returns the summary; its "status" is "finished", "diverged", or one of those that are not written: "interrupted"
    (with "signal" and "exit_code") and "paused" (with "step" and "metrics"). Raises Busy, CannotResume, BadData,
    MissingExtra, SpecError, RankLost, and whatever else fails, after noting it in `state.json` and `log.txt`.
    """
    folder = Path(folder)
    if place is not None and place.rank > 0:
        return follow(spec, folder, build_parts, place, until)
    here = place or Place(0, world_of(spec.get("trainer", {}), None), 0, 0, "127.0.0.1", 0)
    with leading(place, spec) as outside:
        folder.mkdir(parents=True, exist_ok=True)
        with only_one(folder, "another process is training here"):
            summary = read_summary(folder)
            if summary is None:
                trial = _Trial(spec, folder, on_progress, here, until)
                summary = trial.run(build_parts, measure, outside.begin if outside else trial.launch(build_parts))
        if outside:
            outside.end(summary)
    return summary


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
    """0 finished or paused, 3 diverged, 128 + the signal when interrupted."""
    codes = {"finished": 0, "paused": 0, "diverged": 3}
    return codes[summary["status"]] if summary["status"] in codes else int(summary["exit_code"])


class _Trial:
    """What the first rank does around the training: everything in the folder."""

    def __init__(
        self, spec: Spec, folder: Path, on_progress: Callable[[Event], None] | None, place: Place, until: int | None
    ) -> None:
        self.spec = spec
        self.folder = folder
        self.place = place
        self.until = until
        self.checkpoints = folder / "checkpoints"
        self.meter = Meter()
        self.state = RunState(folder)
        self.progress = Progress(self.state, self.meter, on_progress)
        self.csv = CsvLogger(folder / "metrics.csv", lambda: self.meter.seconds)

    def run(self, build_parts: BuildParts, measure: Measure | None, begin: Begin) -> Summary:
        with full_disk_named(self.folder):
            return self._run(build_parts, measure, begin)

    def _run(self, build_parts: BuildParts, measure: Measure | None, begin: Begin) -> Summary:
        self._claim_folder()
        interrupts = Interrupts(Ranks(self.place.rank, self.place.world))
        with log_file(self.folder / "log.txt") as log, interrupts:
            self.note = log.warning
            try:
                self.state.write("running")
                summary = self._train(build_parts, measure, interrupts, begin)
                write_json(self.folder / "summary.json", summary)
            except Paused as pause:
                metrics = finite(pause.metrics)
                self.state.step = pause.step
                self._end("paused", str(pause), metrics)
                return {"status": "paused", "step": pause.step, "metrics": metrics}
            except (Interrupted, StopNow) as stop:
                self._end("interrupted", str(stop))
                return {"status": "interrupted", "signal": stop.signum, "exit_code": 128 + stop.signum}
            except BaseException as error:
                log.error("failed\n%s", traceback.format_exc())
                # on a full disk not even this may find room
                with suppress(OSError):
                    self._end("failed", reason_of(error))
                raise
            self._end(summary["status"], summary.get("reason"))
            return summary

    def launch(self, build_parts: BuildParts) -> Begin:
        """The other ranks as processes of this machine, where there are any."""

        def begin(resume: Path | None) -> AbstractContextManager[Any]:
            if self.place.world == 1:
                return nullcontext()
            request = Request(self.spec, self.folder, build_parts, self.place, self.until, resume)
            return launched(request, lambda reason: self._end("failed", reason))

        return begin

    def _claim_folder(self) -> None:
        self.checkpoints.mkdir(exist_ok=True)
        for folder in (self.folder, self.checkpoints):
            remove_strays(folder)
        path, text = self.folder / "spec.yaml", dump_yaml(self.spec)
        if path.exists() and content(read_yaml(path).value) != content(read_yaml_text(text).value):
            raise CannotResume(f"{path}: this folder belongs to another spec; choose another folder or name")
        write_text(path, text)

    def _train(self, build_parts: BuildParts, measure: Measure | None, interrupts: Interrupts, begin: Begin) -> Summary:
        parts = built(self.spec, build_parts)
        parts.data.save(self.folder)
        parts.task.spec = json.loads(json.dumps(self.spec))
        parts.task.fingerprint = parts.data.fingerprint()
        loggers = [self.csv, *build_loggers(self.spec.get("loggers") or [], self.folder, self.folder.name)]
        outlets = Outlets(loggers, [self.progress], self.progress.saved, self._started)
        fit = Fit(self.spec, self.folder, parts, self.place, interrupts, self.until, outlets, self.meter)
        self.state.max_steps = fit.max_steps
        path = self._resume(parts.data, fit)
        try:
            with begin(path), lost_ranks_told():
                fit.run(path)
            self.state.step = fit.trainer.global_step
            summary = self._summary("finished", fit.reason, fit)
        except Diverged as error:
            summary = self._diverged(error, fit)
        return summary | dict(measure(parts.task.model) if measure and summary["status"] == "finished" else {})

    def _resume(self, data: Data, fit: Fit) -> Path | None:
        """The checkpoint to go on from, with the metrics file cut back to it; None to start from the beginning.

        Raises Paused if the run has come so far already.
        """
        found = newest(self.checkpoints, self._tell)
        if found is None:
            self.csv.resume(-1, -1)
            return None
        path, checkpoint = found
        if checkpoint.get("data") != data.fingerprint():
            raise CannotResume(f"{path}: the data have changed since; start again in another folder")
        if (world := len(checkpoint["callbacks"]["DropoutStream"]["ranks"])) != self.place.world:
            words = f"{world} process{'es' * (world > 1)} trained it, now there would be {self.place.world}"
            raise CannotResume(f"{path}: {words}; set trainer.devices, or start again in another folder")
        step = int(checkpoint["global_step"])
        saved = checkpoint["callbacks"]["Saving"]
        if saved["best_metrics"] and saved["best_step"] == step:
            # a kill may have come between saving it and naming it the best
            copy_checkpoint(path, self.checkpoints / BEST)
        validated = saved["validated_step"]
        self.csv.resume(step, -1 if validated is None else validated)
        self.state.step = step
        fit.saving.load_state_dict(saved)
        fit.saving.pause_if_due(step, fit.max_steps)
        self._tell(f"continuing from step {step} ({path.name})")
        return path

    def _started(self, report: Report) -> None:
        write_json(self.folder / STARTED_FROM, report.plain())
        self._tell(report.line())

    def _started_from(self) -> dict[str, Any]:
        """In short, as the attempt that began wrote it."""
        said = read_json(self.folder / STARTED_FROM, []) or {}
        return {name: said.get(name) for name in ("path", "source", "content")} | dict(said.get("counts") or {})

    def _summary(self, status: str, reason: str | None, fit: Fit) -> Summary:
        saving = fit.saving if status == "finished" else None
        parameters = list(fit.parts.task.model.parameters())
        return {
            "status": status,
            "reason": reason,
            "metrics": finite(fit.metrics if saving else {}),
            "best_metrics": finite(saving.best_metrics if saving else {}),
            "best_step": saving.best_step if saving else None,
            "steps": self.state.step,
            "seed": int(self.spec.get("seed", 0)),
            "batches": fit.train.digest,
            "parameters": sum(p.numel() for p in parameters),
            "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
            "tokens": self.meter.tokens,
            "tokens_per_second": self.meter.tokens_per_second,
            "train_seconds": self.meter.seconds,
            "peak_memory_mb": peak_memory_mb(),
            **({} if fit.parts.start is None else {"init_from": self._started_from()}),
            **({"facts": facts} if (facts := fit.parts.task.facts()) else {}),
        }

    def _diverged(self, error: Diverged, fit: Fit) -> Summary:
        found = newest(self.checkpoints, self._tell)
        good = "no checkpoint before it"
        if found is not None:
            good = f"last good checkpoint: step {found[1]['global_step']}, {found[0].relative_to(self.folder)}"
        self.state.step = error.step
        return self._summary("diverged", f"{error}; {good}", fit)

    def _end(self, status: Status, reason: str | None, metrics: Mapping[str, float] | None = None) -> None:
        self.progress.send("end", status=status, reason=reason)
        self.state.write(status, reason, metrics)

    def _tell(self, text: str) -> None:
        self.note(text)
        self.progress.send("note", text=text)
