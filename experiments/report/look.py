"""How a variant looks everywhere in the report: colour by its attention, marker and dash by its position, and so on."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.results import Plan, Variant

# Mid-tones that hold on white and on near-black; the style sheet repeats them as .c0 to .c9.
COLOURS = (
    "#3a7bd5", "#e07b39", "#2a9d8f", "#c8506e", "#8867c9", "#8a8f2a", "#a1704c", "#cf69a8", "#6b829c", "#2f9fc4",
)  # fmt: skip
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "star")
SIGNS = ("●", "■", "◆", "▲", "✚", "✖", "▼", "★")
# Stroke patterns, as SVG writes them: Plotly and the legend draw the same.
DASHES = ("", "7 3", "2 3", "9 3 2 3", "14 4", "5 2 2 2 2 2")


@dataclass(frozen=True)
class Look:
    """Which axis decides which property; an axis is None where there are too few of them."""

    plan: Plan
    colour_axis: str | None
    symbol_axis: str | None
    fill_axis: str | None

    def colour_number(self, variant: Variant) -> int:
        return self._place(self.colour_axis, variant) % len(COLOURS)

    def colour(self, variant: Variant) -> str:
        return COLOURS[self.colour_number(variant)]

    def symbol(self, variant: Variant) -> str:
        hollow = "-open" if self._place(self.fill_axis, variant) % 2 else ""
        return SYMBOLS[self._place(self.symbol_axis, variant) % len(SYMBOLS)] + hollow

    def dash(self, variant: Variant) -> str:
        return DASHES[self._place(self.symbol_axis, variant) % len(DASHES)]

    def strength(self, variant: Variant) -> float:
        """The opacity of a line: full where the marker is filled."""
        return 0.55 if self._place(self.fill_axis, variant) % 2 else 1.0

    def group(self, variant: Variant) -> str:
        """What a panel of the small multiples holds: the variants of one colour."""
        return variant.values.get(self.colour_axis or "", "all")

    def _place(self, axis: str | None, variant: Variant) -> int:
        values = self.plan.axes.get(axis or "", ())
        value = variant.values.get(axis or "")
        return values.index(value) if value in values else 0


def look_of(plan: Plan) -> Look:
    """Colour for the attention axis, or else the first; the others follow in the order of the plan."""
    axes = [axis for axis, values in plan.axes.items() if len(values) > 1]
    attention = next((axis for axis in axes if axis.rpartition(".")[2] == "attention"), axes[0] if axes else None)
    rest = [axis for axis in axes if axis != attention]
    return Look(plan, attention, rest[0] if rest else None, rest[1] if len(rest) > 1 else None)
