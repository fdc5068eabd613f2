"""Trials whose processes were all started from outside: what the first tells the others, besides the training."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from experiments.ranks import Ranks
from experiments.training.connection import connected, lost_ranks_told
from experiments.training.errors import Diverged, Interrupted, Paused, RankFailed, reason_of
from experiments.training.fitting import BuildParts, Fit, built
from experiments.training.interrupts import Interrupts
from experiments.training.places import Place
from experiments.training.quiet import log_file


class Outside:
    """The first process among those that wait for it: whether to begin, from which checkpoint, and how it ended."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        self.begun = False

    @contextmanager
    def begin(self, resume: Path | None) -> Iterator[None]:
        self.begun = True
        self._ranks.told({"resume": resume})
        yield

    def end(self, summary: Mapping[str, Any]) -> None:
        """With a summary, whether or not there was anything to train."""
        self._ranks.told({"summary": summary})

    def refuse(self, reason: str) -> None:
        if not self.begun:
            self._ranks.told({"refused": reason})


@contextmanager
def leading(place: Place | None, spec: Mapping[str, Any]) -> Iterator[Outside | None]:
    """Inside, the others wait for the first process, this one; None where nobody else was started."""
    if place is None:
        yield None
        return
    with connected(place, spec.get("trainer", {})) as ranks:
        outside = Outside(ranks)
        try:
            yield outside
        except BaseException as error:
            outside.refuse(reason_of(error))
            raise


def follow(
    spec: Mapping[str, Any], folder: Path, build_parts: BuildParts, place: Place, until: int | None
) -> dict[str, Any]:
    """What every other process does; returns what the first one returns. Raises RankFailed where that one refuses."""
    ranks = Ranks(place.rank, place.world)
    with Interrupts(ranks) as interrupts, log_file(Path(os.devnull)), connected(place, spec.get("trainer", {})):
        said = ranks.told(None)
        if "resume" in said:
            fit = Fit(spec, folder, built(spec, build_parts), place, interrupts, until)
            with lost_ranks_told():
                with suppress(Diverged, Interrupted, Paused):
                    fit.run(said["resume"])
                said = ranks.told(None)
    if "refused" in said:
        raise RankFailed(0, said["refused"])
    summary: dict[str, Any] = said["summary"]
    return summary
