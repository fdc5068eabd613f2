"""Stopping on Ctrl-C, SIGTERM and SIGHUP: the first saves and stops, the second stops at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from experiments.ranks import ALONE, Ranks
from experiments.training.errors import Interrupted, StopNow

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts(Callback):
    """As a context, takes over the signals.

    The signal handler only sets `asked`. Whoever reaches a point where the run can stop asks all ranks whether any of
    them was asked (`agree`), so that all stop at the same step, and calls `stop_if_agreed`.
    Outside the main thread, where Python does not allow handlers, and where a signal is ignored, as by nohup, nothing
    is taken over.
    """

    def __init__(self, ranks: Ranks = ALONE) -> None:
        self.ranks = ranks
        self.asked: int | None = None
        self._agreed = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            handlers = {s: signal.getsignal(s) for s in SIGNALS}
            self._before = {s: handler for s, handler in handlers.items() if handler is not signal.SIG_IGN}
            for signum in self._before:
                signal.signal(signum, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def agree(self) -> bool:
        """Whether a signal has come to any rank; all of them must call it."""
        self._agreed = self._agreed or int(self.ranks.largest(self.asked or 0))
        return self._agreed > 0

    def stop_if_agreed(self) -> None:
        """Raises Interrupted when a signal had come by the last `agree`. Call it where everything is saved."""
        if self._agreed:
            raise Interrupted(self._agreed)

    def on_test_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        # nothing is trained any more, so everything is saved
        self.agree()
        self.stop_if_agreed()

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.asked is not None:
            raise StopNow(signum)
        self.asked = signum
