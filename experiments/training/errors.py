"""How a training run can end other than by finishing or failing."""

from __future__ import annotations

import signal


class Diverged(Exception):
    """A loss or a weight is not finite. step: the optimizer step at which it was seen."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(f"{what} at step {step}")
        self.step = step


class Interrupted(Exception):
    """A signal asked the run to stop, and it stopped after saving."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name} after saving")
        self.signum = signum


class StopNow(BaseException):
    """A second signal: stop at once, without saving. Not an Exception, so that nothing on the way swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped at once by a second {signal.Signals(signum).name}")
        self.signum = signum


class Busy(Exception):
    """Another process is working in the folder."""


class CannotResume(ValueError):
    """What is in the folder belongs to another spec or to other data."""
