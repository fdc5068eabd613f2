"""Stopping on Ctrl-C and SIGTERM: the first saves and stops, the second stops at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from experiments.training.errors import Interrupted, StopNow

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts(Callback):
    """As a context, takes over the two signals; as a callback, keeps Lightning from taking them back.

    The signal handler only sets `asked`; whoever reaches a point where the run can stop calls `stop_if_asked`.
    Outside the main thread, where Python does not allow handlers, nothing is taken over.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {s: signal.getsignal(s) for s in SIGNALS}
            self._install()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def stop_if_asked(self) -> None:
        """Raises Interrupted when a signal has come. Call it where everything is saved."""
        if self.asked is not None:
            raise Interrupted(self.asked)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Lightning has just put its own SIGTERM handler around ours, which would end with exit code 0
        self._install()

    def _install(self) -> None:
        for signum in self._before:
            signal.signal(signum, self._handle)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.asked is not None:
            raise StopNow(signum)
        self.asked = signum
