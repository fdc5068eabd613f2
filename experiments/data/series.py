"""Series of numbers, for forecasting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.atomic import write_json
from experiments.data.base import Data, Items
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.files import CORPORA
from experiments.data.measurements import Measurements, Missing, read_measurements
from experiments.data.windows import Scale, Windows
from experiments.results.plan import Reference
from registry import Need, part
from registry.types import PositiveInt

Corpus = Literal["weather", "us_births_daily_1969_1988", "co2_weekly", "elnino_sst_monthly", "sunspots_yearly"]
SAVED = "series.json"


@part("data", "series")
class Series(Data):
    """A series measured at even steps, of one channel or several: what follows the last steps is to be told.

    In time order the first 70 % of the steps are train, the last 20 % test, the rest valid. Numbers are standardised by
    the mean and deviation of the training part. What is to be told lies within a split; what is read may reach back
    into the one before, as it would in use.

    corpus: series that ships with the package, used unless `path` is given: weather (hourly for a year, 24 channels at
    three stations), us_births_daily_1969_1988, co2_weekly, elnino_sst_monthly, sunspots_yearly.
    path: a file of your own: .csv, .tsv or .parquet whose first column is the time, .npz or .npy.
    columns: the channels to use, by name; all unless given.
    context: steps that are read. horizon: steps to be told. season: steps after which the series repeats itself nearly;
    errors are compared with those of saying the value one season before.
    channels: together, each row has all channels; apart, each channel is a row of its own (PatchTST).
    missing: refuse a number that is missing, or mask it: it is not read, and not told.
    """

    provides = frozenset({"series"})
    needs = (Need("model.embedding", "series", "what is read are numbers"),)
    length = None

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Corpus = "weather",
        path: str | None = None,
        columns: list[str] | None = None,
        context: PositiveInt = 96,
        horizon: PositiveInt = 24,
        season: PositiveInt = 24,
        channels: Literal["together", "apart"] = "together",
        missing: Missing = "refuse",
        batch_size: PositiveInt = 64,
    ) -> None:
        self.seed = seed
        self.batch_size = batch_size
        self.name = f"'{corpus}'" if path is None else path
        self.path = CORPORA / "series" / f"{corpus}.csv.xz" if path is None else Path(path).expanduser()
        self.columns, self.missing = columns, missing
        self.context, self.horizon, self.season = context, horizon, season
        self.apart = channels == "apart"
        self._measured: Measurements | None = None
        self._scale: Scale | None = None
        self._rows: dict[str, Windows] = {}

    def shape(self) -> Mapping[str, int]:
        channels = 1 if self.apart else len(self.scale.columns)
        return {"embedding.channels": channels, "head.horizon": self.horizon}

    def positions(self, model: Mapping[str, Any]) -> int:
        # a decoder also reads what it has told so far
        steps = self.context + (self.horizon if model.get("topology") == "decoder" else 0)
        return max(1, steps // int(model["embedding"].get("patch", 1)))

    @property
    def measured(self) -> Measurements:
        if self._measured is None:
            self._measured = read_measurements(self.path, self.columns, self.missing)
        return self._measured

    @property
    def scale(self) -> Scale:
        """What the training part says of each channel."""
        if self._scale is None:
            train = self.measured.values[: self.bounds["train"][1]]
            if len(train) <= self.season:
                message = f"{len(train)} steps to train on are not more than a season of {self.season}: data.season"
                raise BadData(self.path, message)
            self._scale = Scale.of(self.measured.columns, train, self.season)
        return self._scale

    @property
    def bounds(self) -> Mapping[str, tuple[int, int]]:
        """First step of each split and the one after its last."""
        n = len(self.measured)
        first, last = int(0.7 * n), n - int(0.2 * n)
        return {"train": (0, first), "valid": (first, last), "test": (last, n)}

    def prepare(self) -> None:
        if self._rows:
            return
        values = self.scale.standardised(self.measured.values)
        for split, (first, end) in self.bounds.items():
            starts = np.arange(max(first, self.context), end - self.horizon + 1)
            if not len(starts):
                part = f"the {end - first} steps of {split}, of {len(values)}"
                wanted = (
                    f"windows of {self.context} + {self.horizon}" if split == "train" else f"{self.horizon} to tell"
                )
                raise BadData(self.path, f"too short: {part}, have no room for {wanted}")
            self._rows[split] = self._windows(values, starts)

    def splits(self) -> list[str]:
        return ["train", "valid", "test"]

    def rows(self, split: str) -> Windows:
        self.prepare()
        return self._rows[split]

    def about(self) -> dict[str, Any]:
        self.prepare()
        sizes = {f"{split}_rows": len(rows) for split, rows in self._rows.items()}
        constant = [
            name for name, values in zip(self.scale.columns, self.measured.values.T, strict=True) if _same(values)
        ]
        facts: dict[str, Any] = {"about": f"series {self.name}", "steps": len(self.measured), **sizes}
        facts |= {"channels": list(self.scale.columns)}
        return facts | ({"constant_channels": constant} if constant else {})

    def references(self) -> list[Reference]:
        return self.simple_forecasts("valid")

    def simple_forecasts(self, split: str) -> list[Reference]:
        """The mean squared error in a split of saying the last value, the value a season before, the training mean."""
        rows = self.rows(split)
        values = rows.values.numpy().astype(np.float64)
        ahead = np.arange(self.horizon)
        targets = values[rows.starts.numpy()[:, None] + ahead]
        back = self.season * -(-(ahead + 1) // self.season)
        said = {
            "last value": (values[rows.starts.numpy() - 1][:, None], "the value before the first step to be told"),
            "seasonal naive": (
                values[rows.starts.numpy()[:, None] + ahead - back],
                f"the last value known a multiple of {self.season} steps before",
            ),
            "training mean": (np.zeros(1), "the mean of the training part"),
        }
        metric = f"{split}/mse"
        return [
            Reference(name, metric, float(np.nanmean(np.square(targets - numbers))), words)
            for name, (numbers, words) in said.items()
        ]

    def fingerprint(self) -> str:
        end = self.bounds["valid"][1]
        return digest(self.measured.values[:end].tobytes(), "\t".join(self.measured.columns).encode())

    def save(self, folder: Path) -> None:
        write_json(folder / SAVED, self.scale.saved())

    def load(self, folder: Path) -> None:
        if (folder / SAVED).is_file():
            self._scale = Scale.read(json.loads((folder / SAVED).read_text(encoding="utf-8")))
        else:
            self.prepare()

    def items(self, source: str | Path) -> Items:
        """The last steps of a series in a file; what follows them is to be told."""
        if isinstance(source, str):
            raise BadData(source, "a series comes as a file, not as a text")
        found = read_measurements(source, self.scale.columns, self.missing)
        if len(found) < self.context:
            raise BadData(source, f"{len(found)} steps, but {self.context} are read: data.context")
        rows = self._windows(self.scale.standardised(found.values), np.array([len(found)]))
        names = [f"{source.name}: {column}" for column in found.columns] if self.apart else [source.name]
        return Items(rows, names)

    def _windows(self, values: np.ndarray, starts: np.ndarray) -> Windows:
        masked = self.missing == "mask"
        return Windows(values, starts, self.context, self.horizon, apart=self.apart, masked=masked)


def _same(values: np.ndarray) -> bool:
    return bool(np.nanmax(values) == np.nanmin(values))
