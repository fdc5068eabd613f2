"""How a variant looks everywhere in the report: colour by its attention, marker and dash by its position, and so on."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.results import Plan, Variant

# Mid-tones that hold on white and on near-black, apart for the colour-blind too; the style sheet repeats them as .c0
# to .c9.
COLOURS = (
    "#3070cf", "#ea9a1f", "#9a3f0d", "#35b5d9", "#d62f7f", "#8a7a12", "#9084fc", "#f0609c", "#843c9c", "#6c18fc",
)  # fmt: skip
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "star")
SIGNS = ("●", "■", "◆", "▲", "✚", "✖", "▼", "★")
# What a third axis changes: how a marker is filled, as Plotly names it and in words; opacity and width of a line.
FILLS = (("", "filled"), ("-open", "hollow"), ("-open-dot", "hollow with a dot"))
STROKES = ((1.0, 2.0), (0.5, 2.0), (0.85, 3.6))
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
        """As Plotly names it."""
        return SYMBOLS[self.symbol_number(variant)] + FILLS[self.fill_number(variant)][0]

    def symbol_number(self, variant: Variant) -> int:
        """A symbol says what a colour says where no axis is left for it, so that nothing hangs on colour alone."""
        return self._place(self.symbol_axis or self.colour_axis, variant) % len(SYMBOLS)

    def fill_number(self, variant: Variant) -> int:
        return self._place(self.fill_axis, variant) % len(FILLS)

    def dash(self, variant: Variant) -> str:
        return DASHES[self._place(self.symbol_axis, variant) % len(DASHES)]

    def stroke(self, variant: Variant) -> tuple[float, float]:
        """The opacity of a line and its width in pixels."""
        return STROKES[self.fill_number(variant)]

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


def dash_lengths(pattern: str) -> tuple[float, ...]:
    """`7 3` as SVG writes it -> (7, 3)."""
    return tuple(float(length) for length in pattern.split())
