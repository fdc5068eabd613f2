"""Tables of figures, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from inspect import cleandoc


@dataclass
class Table:
    """One question and its figures.

    about: what was simulated and what the figures should be, a docstring. repeats: how often, for each row.
    """

    title: str
    about: str | None
    columns: Sequence[str]
    repeats: int
    rows: list[list[str]] = field(default_factory=list)

    def markdown(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        about = cleandoc(self.about or "")
        made = f"{self.repeats:,} repetitions for each row."
        return "\n".join(
            [f"## {self.title}", "", about, "", made, "", *(f"| {' | '.join(line)} |" for line in lines), ""]
        )


def percent(hits: int, of: int) -> str:
    return f"{100 * hits / of:.1f}"


def repeats_of(full: int, scale: float) -> int:
    """How often to simulate, at a share of the full number."""
    return max(10, round(full * scale))
