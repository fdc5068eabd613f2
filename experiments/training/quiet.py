"""Keeping Lightning's own messages off the terminal: they go to the run's log file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LIBRARIES = ("pytorch_lightning", "lightning_fabric", "lightning_utilities", "lightning")
# each of these is about a choice that was made on purpose
_EXPECTED = (
    # our loaders are plain iterables with a saved position
    r".*does not have many workers.*",
    # GPU and MPS: `accelerator` is the user's choice
    r".*available but not used.*",
    # short runs log every step or never
    r".*smaller than the logging interval.*",
    # dropout layers and frozen parts may sit in eval mode
    r".*module\(s\) in eval mode at the start of training.*",
    # Lightning steps the scheduler through a number, as its own default does
    r".*lr_scheduler\.step\(\).*before.*optimizer\.step\(\).*",
    # Lightning's use of torch's own trees
    r".*treespec, LeafSpec.*",
)


class _Unfailing(logging.FileHandler):
    """Where there is no room to write on, what writes the results says so."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        """Nothing."""


@contextmanager
def log_file(path: Path) -> Iterator[logging.Logger]:
    """Inside, Lightning logs to the file instead of the terminal. Yields the run's own logger, for the same file."""
    handler = _Unfailing(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    own = logging.getLogger(f"swapformer.run.{path.parent.name}")
    loggers = [own, *map(logging.getLogger, _LIBRARIES)]
    before = [(logger, logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    try:
        for logger in loggers:
            logger.handlers = [handler]
            logger.propagate = False
            logger.setLevel(logging.INFO)
        with warnings.catch_warnings():
            for message in _EXPECTED:
                warnings.filterwarnings("ignore", message=message)
            yield own
    finally:
        for logger, handlers, propagate, level in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
        handler.close()
