"""One of the other processes of a trial, started by the first: `python -m experiments.training.rank HANDLE`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from experiments.ranks import Ranks
from experiments.training.connection import connected
from experiments.training.errors import Diverged, Interrupted, Paused, reason_of, shortage
from experiments.training.fitting import Fit, built
from experiments.training.interrupts import SIGNALS, Interrupts
from experiments.training.launch import Request
from experiments.training.quiet import log_file


def main(handle: int) -> None:
    """Do what the process at the other end of the pipe asks; end when it does.

    Signals are ignored: the first rank is told by them and tells the others.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    first = Connection(handle)
    request: Request = first.recv()
    threading.Thread(target=_end_with, args=(first,), daemon=True).start()
    try:
        _train(request, first)
    except BaseException as error:
        traceback.print_exc()
        with suppress(OSError):
            first.send(("failed", reason_of(error), shortage(error)))
        # at once, so that the others see their connections break
        os._exit(1)
    with suppress(OSError):
        first.send(("done",))


def _train(request: Request, first: Connection) -> None:
    ranks = Ranks(request.place.rank, request.place.world)
    with log_file(Path(os.devnull)):
        parts = built(request.spec, request.build_parts)
        fit = Fit(request.spec, request.folder, parts, request.place, Interrupts(ranks), request.until)
        first.send(("ready",))
        store = TCPStore(request.place.address, request.place.port, request.place.world)
        # the first rank comes to the same end at the same step, and tells of it
        with connected(request.place, request.spec.get("trainer", {}), store), suppress(Diverged, Interrupted, Paused):
            fit.run(request.resume)


def _end_with(first: Connection) -> None:
    with suppress(EOFError, OSError):
        first.recv()
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
