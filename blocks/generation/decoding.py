"""What there is to choose about decoding."""

from __future__ import annotations

from dataclasses import dataclass

from registry.types import Fraction, NonNegativeFloat, NonNegativeInt, PositiveInt


@dataclass(frozen=True)
class Decoding:
    """How new tokens are chosen: greedily unless a temperature or beams are given.

    max_new_tokens: at most so many. stop: the token that ends a row; the row is filled up with it.
    temperature: sample from softmax(logits / temperature); 0 takes the likeliest token.
    top_k: sample among the k likeliest tokens (Fan et al. 2018, arXiv 1805.04833).
    top_p: sample among the fewest likeliest tokens whose probabilities reach p together (Holtzman et al. 2019,
    arXiv 1904.09751); after top_k where both are given.
    beams: width of a beam search; 1 for none. length_penalty: alpha in log P / ((5 + n) / 6)^alpha, by which sequences
    of n tokens are compared (Wu et al. 2016, arXiv 1609.08144, equation 14); 0 for none.
    Raises ValueError for a value out of range and for options that do not go together.
    """

    max_new_tokens: PositiveInt
    temperature: NonNegativeFloat = 0.0
    top_k: PositiveInt | None = None
    top_p: Fraction | None = None
    beams: PositiveInt = 1
    length_penalty: NonNegativeFloat = 0.6
    stop: NonNegativeInt | None = None

    def __post_init__(self) -> None:
        for name, least in (("max_new_tokens", 1), ("top_k", 1), ("beams", 1), ("stop", 0)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < least):
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
        for name in ("temperature", "length_penalty"):
            # written so that NaN fails as well
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be a finite number of at least 0, got {getattr(self, name)!r}")
        if self.top_p is not None and not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p is a share of the probability, above 0 and at most 1, got {self.top_p!r}")
        narrowed = [name for name in ("top_k", "top_p") if getattr(self, name) is not None]
        if narrowed and self.temperature == 0.0:
            raise ValueError(f"{' and '.join(narrowed)} narrows what is sampled: set a temperature above 0, got 0")
        if self.beams > 1 and self.temperature > 0.0:
            asked = f"{self.beams} beams and temperature {self.temperature}"
            raise ValueError(f"beam search does not sample: set beams to 1 or temperature to 0, got {asked}")
