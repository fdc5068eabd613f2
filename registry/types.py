"""Bounded numbers and names for the options of parts.

An option's annotation is its schema, so every number carries its bounds in its type.
"""

from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt


class Matches:
    """Annotation for `str` options: the whole text must match `pattern`; `about` says so in words."""

    def __init__(self, pattern: str, about: str) -> None:
        self.pattern = pattern
        self.about = about


class KeyOf:
    """Annotation for `str` options: the text must be a key of the option `name` of the same part, a mapping."""

    def __init__(self, name: str) -> None:
        self.name = name


class MetricOf:
    """Annotation for `str` options: `valid/` and a metric that the part in the whole spec's option `slot` has."""

    def __init__(self, slot: str) -> None:
        self.slot = slot


PositiveInt = Annotated[int, Ge(1), Le(10**12)]
NonNegativeInt = Annotated[int, Ge(0), Le(10**12)]
PositiveFloat = Annotated[float, Gt(0.0)]
NonNegativeFloat = Annotated[float, Ge(0.0)]
Probability = Annotated[float, Ge(0.0), Lt(1.0)]
"""A dropout rate and the like: 0 <= p < 1."""
Fraction = Annotated[float, Gt(0.0), Le(1.0)]
"""A share of a whole: 0 < p <= 1."""
Slug = Annotated[
    str, Matches(r"[a-z0-9][a-z0-9._-]{0,63}", "lower-case letters, digits, '.', '_' and '-', at most 64 characters")
]
"""A name that becomes a folder: it can never leave its parent."""
Percent = Annotated[str, Matches(r"[0-9]+([.][0-9]+)?%", "a number with a percent sign, such as 1%")]
"""A share written as people write it."""
