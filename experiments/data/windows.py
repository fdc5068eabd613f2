"""Windows of a series: the steps that are read, and those that follow and are to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments.data.loader import Batch, Rows


@dataclass(frozen=True)
class Scale:
    """What the training part of a series says of each channel, in the order of `columns`.

    mean, deviation: by which it is standardised; a constant channel has the deviation 1, so that it becomes 0. naive:
    the mean absolute error there, standardised, of saying the value one season before; 0 where it is never wrong.
    """

    columns: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    naive: tuple[float, ...]

    @classmethod
    def of(cls, columns: Sequence[str], values: np.ndarray, season: int) -> Scale:
        """values: [n c] with n > season, NaN where nothing was measured."""
        # a channel of which nothing was measured in this part has no mean; it counts as 0
        counts = np.isfinite(values).sum(0)
        mean = np.nansum(values, 0) / np.maximum(counts, 1)
        deviation = np.sqrt(np.nansum(np.square(values - mean), 0) / np.maximum(counts, 1))
        # rounding leaves a constant channel a little of a deviation
        deviation = np.where(deviation <= 1e-9 * np.maximum(np.abs(mean), 1e-9), 1.0, deviation)
        steps = np.abs(values[season:] - values[:-season]) / deviation
        naive = np.nansum(steps, 0) / np.maximum(np.isfinite(steps).sum(0), 1)
        return cls(tuple(columns), tuple(mean.tolist()), tuple(deviation.tolist()), tuple(naive.tolist()))

    @classmethod
    def read(cls, saved: Mapping[str, Any]) -> Scale:
        return cls(*(tuple(saved[name]) for name in ("columns", "mean", "deviation", "naive")))

    def saved(self) -> dict[str, Any]:
        return asdict(self)

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """[n c] -> float32 [n c]"""
        found: np.ndarray = (values - np.array(self.mean)) / np.array(self.deviation)
        return found.astype(np.float32)


class Windows(Rows):
    """Windows of `context` steps and the `horizon` steps after them.

    values: float32 [n c], standardised, NaN where nothing was measured. starts: int [w], first steps of what is to be
    told. apart: each channel is a row of its own. A key is [start channel], channel being 0 where they are together.
    """

    def __init__(
        self, values: np.ndarray, starts: np.ndarray, context: int, horizon: int, *, apart: bool, masked: bool
    ) -> None:
        self.values = torch.from_numpy(values)
        self.starts = torch.from_numpy(starts.astype(np.int64))
        self.context, self.horizon = context, horizon
        self.apart, self.masked = apart, masked
        self.channels = values.shape[1] if apart else 1

    def __len__(self) -> int:
        return len(self.starts) * self.channels

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        """The channels of a window side by side, unless shuffled."""
        rows = torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)
        return torch.stack([self.starts[rows // self.channels], rows % self.channels], dim=1)

    def batch(self, keys: Tensor) -> Batch:
        """tokens: float [b context c], c being 1 where channels are apart; targets: [b horizon c]; channel: int [b].

        Where numbers may be missing they are 0, with seen: bool [b context c], known: bool [b horizon c], and valid:
        bool [b context], False on steps at which nothing was measured. targets and known only where the series goes on.
        """
        starts, channel = keys[:, 0], keys[:, 1]
        length = self.context + (self.horizon if int(starts.max()) < len(self.values) else 0)
        window = self.values[starts[:, None] - self.context + torch.arange(length)]
        if self.apart:
            window = window.gather(2, channel[:, None, None].expand(-1, length, 1))
        measured = window.isfinite()
        window = window.masked_fill(~measured, 0.0)
        batch = {"tokens": window[:, : self.context], "channel": channel}
        if self.masked:
            seen = measured[:, : self.context]
            batch |= {"seen": seen, "valid": seen.any(2)}
        if length > self.context:
            batch["targets"] = window[:, self.context :]
            if self.masked:
                batch["known"] = measured[:, self.context :]
        return batch
