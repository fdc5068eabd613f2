"""Scalings with one mistake each."""

from __future__ import annotations

from torch import Tensor

from blocks.scaling import LinearScaling


class Halved(LinearScaling):
    """Right."""

    def __init__(self) -> None:
        super().__init__(factor=2.0)


class Speeds(Halved):
    def slowed(self, rates: Tensor, base: float) -> Tensor:
        return rates * 2


class Stops(Halved):
    def slowed(self, rates: Tensor, base: float) -> Tensor:
        return rates * 0


class OneForAll(Halved):
    def slowed(self, rates: Tensor, base: float) -> Tensor:
        return rates[-1]


class Rounds(Halved):
    def slowed(self, rates: Tensor, base: float) -> Tensor:
        return super().slowed(rates, base).float()


class InPlace(Halved):
    def slowed(self, rates: Tensor, base: float) -> Tensor:
        return rates.div_(2)


class Wears(Halved):
    def slowed(self, rates: Tensor, base: float) -> Tensor:
        self.factor *= 2
        return super().slowed(rates, base)


class Silences(Halved):
    attention = 0.0


class Looks(Halved):
    def slowed(self, rates: Tensor, base: float) -> Tensor:
        return rates / max(self.factor, float(rates[0]))


SLOWER = "one rate for each pair of coordinates, none faster than it was"
PURE = "the same rates each time, and those that it is given stay as they are"
BUGS: list[tuple[str, type, str]] = [
    ("scaling", Speeds, SLOWER),
    ("scaling", Stops, SLOWER),
    ("scaling", OneForAll, SLOWER),
    ("scaling", Rounds, SLOWER),
    ("scaling", InPlace, PURE),
    ("scaling", Wears, PURE),
    ("scaling", Silences, "the factor on queries and keys is a positive number"),
    ("scaling", Looks, "runs on the meta device"),
]
