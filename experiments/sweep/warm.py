"""Imported once by the server that trials are forked from, so that a trial starts in a fraction of a second.

An optimizer step is taken because its first use imports much of torch.
"""

import os
import threading

from experiments.sweep.parent import VARIABLE


def _end_with(parent: int, warm: threading.Event) -> None:
    while not warm.wait(0.2):
        if os.getppid() != parent:
            os._exit(1)


# the server notices the end of its sweep only when it is done with importing, which takes a while
_warm = threading.Event()
_parent = int(os.environ.get(VARIABLE, os.getppid()))
_guard = threading.Thread(target=_end_with, args=(_parent, _warm), daemon=True)
_guard.start()

import torch  # noqa: E402

# what a trial needs
import blocks.topology  # noqa: E402, F401
import experiments.making  # noqa: E402
import experiments.measure  # noqa: E402
import experiments.sweep.worker  # noqa: E402
import experiments.tasks  # noqa: E402
import experiments.training.trial  # noqa: E402, F401

torch.set_num_threads(1)
_weight = torch.nn.Parameter(torch.zeros(2))
_weight.sum().backward()  # type: ignore[no-untyped-call]
torch.optim.AdamW([_weight]).step()

# no thread may be left when the server forks
_warm.set()
_guard.join()
