"""The processes that train one trial together, and what they tell each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed


@dataclass(frozen=True)
class Ranks:
    """Which of `world` processes this is, counted from 0; the first alone writes files and talks to people.

    Every method must be called by all of them in the same order, and waits for the others: what is decided by its
    result is decided alike everywhere. Nothing waits where there is only one.
    """

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def gather(self, value: Any) -> list[Any]:
        """Everyone's value, by rank. It is pickled on the way."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        torch.distributed.all_gather_object(found, value)
        return found

    def told(self, value: Any) -> Any:
        """The first one's value."""
        if self.world == 1:
            return value
        held = [value]
        torch.distributed.broadcast_object_list(held, src=0)
        return held[0]

    def total(self, value: float) -> float:
        """The sum over all; not finite if anyone's is not."""
        return value if self.world == 1 else self._reduce(value, torch.distributed.ReduceOp.SUM)

    def largest(self, value: float) -> float:
        return value if self.world == 1 else self._reduce(value, torch.distributed.ReduceOp.MAX)

    def _reduce(self, value: float, how: Any) -> float:
        # on the CPU, so that no GPU has to be waited for
        held = torch.tensor(value, dtype=torch.float64)
        torch.distributed.all_reduce(held, how)
        return float(held)


ALONE = Ranks()
"""One process does everything."""
