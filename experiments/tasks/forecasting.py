"""Tell what follows a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from einops import rearrange
from torch import Tensor

from blocks.topology import Topology
from experiments.data.loader import Batch, rows_of
from experiments.data.series import Series
from experiments.optimizers.base import Optimizer
from experiments.schedules.base import Schedule
from experiments.tasks.base import Answer, Sums, Task, marks
from experiments.tasks.instance_norm import InstanceNorm, Level, level
from registry import Need, part
from registry.errors import Problem, SpecError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@part("task", "forecasting", paper="Nie et al. 2022 (PatchTST), arXiv 2211.14730; MASE: Hyndman & Koehler 2006")
class Forecasting(Task):
    """The steps that follow a window of a series: mean squared error of the standardised numbers.

    The head forecast tells the whole horizon at once. In a decoder, the head token_regression tells after each vector
    (a step, or a patch of steps) the next one; it learns to at every place of the window, and forecasts by reading what
    it has told, with a cache.

    Validation: mse and mae of the standardised numbers, the horizon as a whole; mase, the absolute error as a multiple
    of that of saying, in the training part, the value one season before (data.season), channels where that is never
    wrong left out; loss.

    instance_norm: what each window is measured from: none, its mean in units of its deviation (RevIN without weights),
    or its last value; forecasts are brought back. Of a decoder, last means that what it tells at each place is measured
    from the last step that it has read there; with mean it is given, in training only, the level of the whole window at
    every place.
    loss: mse or mae.
    """

    naive: Tensor
    needs = (
        Need("model", "one stream", "there is one series to read"),
        Need("model.head", "series", "it tells numbers at one step after the other"),
        Need("data", "series", "it reads windows of a series"),
    )
    metrics = ("loss", "mse", "mae", "mase")

    def __init__(
        self,
        model: Topology,
        data: Series,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        instance_norm: InstanceNorm = "mean",
        loss: Literal["mse", "mae"] = "mse",
    ) -> None:
        super().__init__(model, data, optimizer, schedule)
        self.series = data
        self.instance_norm: InstanceNorm = instance_norm
        self.loss_of = loss
        self.stepwise = "token values" in model.head.provides
        if self.stepwise and "next token" not in model.provides:
            message = "tells the vectors of a series one after the other, which takes topology 'decoder'"
            raise SpecError([Problem("model.head", message)])
        self._check_sizes(model)
        self.register_buffer("naive", torch.tensor(data.scale.naive), persistent=False)

    def _check_sizes(self, model: Topology) -> None:
        """Raises SpecError where the model is made for other data."""
        data, kinds = self.series, getattr(model.embedding, "types", None)
        if kinds is not None and (not data.apart or kinds.num_embeddings != len(data.scale.columns)):
            wanted = f"{len(data.scale.columns)} where channels are apart, else 0"
            raise SpecError([Problem("model.embedding.types", f"is {kinds.num_embeddings}, but has to be {wanted}")])
        patches, read = getattr(model.head, "patches", None), data.context // self.patch
        if patches not in (None, read):
            message = f"is {patches}, but {data.context} steps make {read} vectors of {self.patch}"
            raise SpecError([Problem("model.head.patches", message)])

    def loss(self, batch: Batch) -> Tensor:
        found, targets, known = self._taught(batch) if self.stepwise else self._told(batch)
        error = found - targets
        each = error.square() if self.loss_of == "mse" else error.abs()
        return each[known].sum() / known.sum().clamp(min=1)

    def count(self, batch: Batch) -> int:
        """Rows stand for tokens."""
        return rows_of(batch)

    def weight(self, batch: Batch) -> float:
        """Numbers to be told; where ranks have unequal numbers of missing ones in what they read, nearly so."""
        return float(_known(batch).sum())

    def measure(self, batch: Batch) -> Sums:
        targets, known = batch["targets"], _known(batch)
        error = (self.forecast(batch) - targets).masked_fill(~known, 0.0)
        naive = self._of_rows(self.naive, batch)
        scaled = known & (naive > 0)
        relative = (error.abs() / naive.clamp(min=1e-30)).masked_fill(~scaled, 0.0)
        return {
            "squares": error.square().sum(),
            "absolute": error.abs().sum(),
            "known": known.sum(),
            "relative": relative.sum(),
            "scaled": scaled.sum(),
        }

    def summarise(self, sums: dict[str, float]) -> dict[str, float]:
        known, scaled = max(1.0, sums["known"]), sums["scaled"]
        mse, mae = sums["squares"] / known, sums["absolute"] / known
        found = {"loss": mse if self.loss_of == "mse" else mae, "mse": mse, "mae": mae}
        return found | ({"mase": sums["relative"] / scaled} if scaled else {})

    def forecast(self, batch: Batch) -> Tensor:
        """What follows the window of each row, standardised: [b horizon c]."""
        at = self._level(batch)
        read = at.to(batch["tokens"])
        if "seen" in batch:
            read = read.masked_fill(~batch["seen"], 0.0)
        return at.back(self._rolled(read, batch) if self.stepwise else self._direct(read, batch))

    def answers(self, batch: Batch) -> list[Answer]:
        """column: the channel, where channels are apart; forecast: of each step, or by channel of each step."""
        names, told = self.series.scale.columns, self.in_units(self.forecast(batch), batch)
        if self.series.apart:
            rows = zip(batch["channel"].tolist(), told, strict=True)
            return [{"column": names[channel], "forecast": row[:, 0].tolist()} for channel, row in rows]
        return [{"forecast": dict(zip(names, row.T.tolist(), strict=True))} for row in told]

    def figure(self, batch: Batch, row: int, answer: Answer) -> Figure:
        """The window, the forecast, and what came where that is known; a panel for each channel."""
        from experiments.tasks.pictures.forecast import forecast_picture

        told: dict[str, Any] = answer["forecast"] if "column" not in answer else {answer["column"]: answer["forecast"]}
        read = self.in_units(batch["tokens"], batch)[row]
        seen = read if "seen" not in batch else read.masked_fill(~batch["seen"][row], float("nan"))
        truth = None if "targets" not in batch else self.in_units(batch["targets"], batch)[row]
        if truth is not None and "known" in batch:
            truth = truth.masked_fill(~batch["known"][row], float("nan"))
        return forecast_picture(told, seen, truth)

    def in_units(self, values: Tensor, batch: Batch) -> Tensor:
        """Standardised numbers [b n c] in the units of the file."""
        scale = self.series.scale
        mean, deviation = (values.new_tensor(numbers) for numbers in (scale.mean, scale.deviation))
        return values * self._of_rows(deviation, batch) + self._of_rows(mean, batch)

    def _of_rows(self, of_channels: Tensor, batch: Batch) -> Tensor:
        """A number for each channel, [c], as it goes with rows: [b 1 1] where channels are apart, [1 1 c] else."""
        if self.series.apart:
            return of_channels[batch["channel"]][:, None, None]
        return of_channels[None, None]

    def _level(self, batch: Batch) -> Level:
        # the places of a decoder have each a last value of their own, see `_next`
        how: InstanceNorm = "none" if self.stepwise and self.instance_norm == "last" else self.instance_norm
        return level(batch["tokens"], batch.get("seen"), how)

    def _told(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Forecast, targets and which of them are known, all [b horizon c]."""
        return self.forecast(batch), batch["targets"], _known(batch)

    def _taught(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """What a decoder tells at every place of window and horizon, what comes there, which is known: [b n c]."""
        at, patch = self._level(batch), self.patch
        whole = torch.cat([batch["tokens"], batch["targets"]], dim=1)
        seen = batch.get("seen", torch.ones_like(batch["tokens"], dtype=torch.bool))
        known = torch.cat([seen, _known(batch)], dim=1)
        # as many whole vectors as there are, the last of which is not read
        length = whole.shape[1] // patch * patch
        read = at.to(whole)[:, : length - patch]
        read = read.masked_fill(~known[:, : length - patch], 0.0)
        given = {"valid": known[:, : length - patch].any(2)} if "seen" in batch else {}
        said = self._next(self.model(read, **given, **self._kinds(read, batch)), read)
        return at.back(said), whole[:, patch:length], known[:, patch:length]

    @property
    def patch(self) -> int:
        """Steps that make one vector."""
        return int(getattr(cast(Topology, self.model).embedding, "patch", 1))

    def _direct(self, read: Tensor, batch: Batch) -> Tensor:
        return self._checked(self.model(read, **marks(batch), **self._kinds(read, batch)), steps=1)

    def _rolled(self, read: Tensor, batch: Batch) -> Tensor:
        """What a decoder tells by reading what it has told. read: [b n c] -> [b horizon c]"""
        model, told = cast(Any, self.model), list[Tensor]()
        state, given = model.new_state(), marks(batch)
        while len(told) * self.patch < self.series.horizon:
            said = model(read, state=state, **given, **self._kinds(read, batch))
            told.append(self._next(said[:, -1:], read[:, -self.patch :]))
            read, given = told[-1], {}
        return torch.cat(told, dim=1)[:, : self.series.horizon]

    def _kinds(self, read: Tensor, batch: Batch) -> Batch:
        """Which channel each row is of, for a model that tells kinds of series apart."""
        if getattr(cast(Topology, self.model).embedding, "types", None) is None:
            return {}
        return {"types": batch["channel"][:, None].expand(-1, read.shape[1])}

    def _next(self, said: Tensor, read: Tensor) -> Tensor:
        """The steps that a decoder tells at each place where it has read a vector. read: [b n c] -> [b n c]"""
        steps = self._cut(said, self.patch)
        if self.instance_norm != "last":
            return steps
        return steps + read[:, self.patch - 1 :: self.patch].repeat_interleave(self.patch, dim=1)

    def _cut(self, said: Tensor, patch: int) -> Tensor:
        """Vectors as steps: [b n (p c)] -> [b (n p) c]."""
        return rearrange(self._checked(said, steps=patch), "b n (p c) -> b (n p) c", p=patch)

    def _checked(self, said: Tensor, steps: int) -> Tensor:
        """What the head says, [b n values], if its values are all channels at so many steps. Raises SpecError."""
        channels = 1 if self.series.apart else len(self.series.scale.columns)
        if said.shape[-1] != steps * channels:
            wanted = f"there are {steps * channels} numbers to tell together: {channels} channels x {steps} steps"
            raise SpecError([Problem("model.head.values", f"is {said.shape[-1]}, but {wanted}")])
        return said


def _known(batch: Batch) -> Tensor:
    """Which of the targets are known, [b horizon c]."""
    return batch["known"] if "known" in batch else torch.ones_like(batch["targets"], dtype=torch.bool)
