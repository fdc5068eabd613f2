"""A picture of one stack: its maps as small multiples, or with their tokens where there are few."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.attention_maps.gather import LayerMaps, StackMaps
from experiments.attention_maps.reading import Reading
from experiments.attention_maps.words import Word
from experiments.report.figures.style import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The light colours of page.css: from no weight to 1, for what is not visible, and for weights below 0.
RAMP = ("#f3f8f8", "#b5ddd8", "#2a9d8f", "#125b66", "#0b2c40")
VOID = "#e6e8ec"
BELOW = ("#fbf5f1", "#eeb48b", "#b9591f", "#5f2a0c")
INK, SOFT = "#1d2329", "#667080"
FEW_MAPS, FEW_TOKENS, LONGEST_LABEL = 4, 48, 16
NUMBER: dict[str, Any] = {"fontsize": 9, "color": SOFT}
# Inches, and dots on one.
WIDTH, LEAST, MOST, LABELLED = 12.0, 0.62, 1.7, 5.6
DOTS = 110


def draw_picture(reading: Reading, stack: StackMaps, text: str) -> bytes:
    """A PNG: a row for each layer, a column for each head, shaded by the root of the weight from 0 to 1.

    At most FEW_MAPS maps of at most FEW_TOKENS tokens are large and have their tokens written beside them.
    """
    from matplotlib.figure import Figure

    count = sum(len(layer.heads) for layer in stack.layers)
    columns = max(1, *(len(layer.heads) for layer in stack.layers))
    queries, keys = (reading.streams[side(stack)].words for side in (reading.queries, reading.keys))
    labelled = count <= FEW_MAPS and max(len(queries), len(keys)) <= FEW_TOKENS
    width = LABELLED if labelled else min(MOST, max(LEAST, WIDTH / columns))
    height = width * min(2.5, max(0.4, len(queries) / len(keys)))
    heights = [height if layer.heads else 0.3 for layer in stack.layers]
    beside, between = (1.0, 0.9) if labelled else (0.05, 0.09)
    size = (max(6.0, columns * (width + beside) + 1.6), sum(heights) + len(heights) * between + 0.9)
    figure = Figure(figsize=size, dpi=DOTS, facecolor="white", layout="constrained")
    grid: Any = figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights)
    named = next((row for row, layer in enumerate(stack.layers) if layer.heads), None)
    for row, (axes, layer) in enumerate(zip(grid, stack.layers, strict=True)):
        _draw_row(axes, layer, sharp=max(len(queries), len(keys)) < width * DOTS)
        axes[0].set_ylabel(f"{'' if row else 'layer '}{layer.layer}", rotation=0, ha="right", va="center", **NUMBER)
        for column, head in enumerate(layer.heads if row == named or labelled else ()):
            axes[column].set_title(f"{'head ' if labelled or not column else ''}{head}", **NUMBER)
        if labelled:
            for ax in axes[: len(layer.heads)]:
                _label(ax, queries, keys)
    figure.suptitle(drawable(text, 80), fontsize=12, color=INK, parse_math=False)
    about = f"{stack.name}: rows are layers, columns heads; a row of a map is a token that looks. Grey: not visible."
    figure.supxlabel(about, fontsize=8.5, color=SOFT, parse_math=False)
    _scale(figure, grid)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def shade(weights: np.ndarray) -> np.ndarray:
    """Colours [... 3] from 0 to 1 of weights, as the page shades them."""
    place = np.rint(255 * np.sqrt(np.clip(np.abs(weights), 0, 1))).astype(int)
    shown = np.where((weights < 0)[..., None], _blend(BELOW)[place], _blend(RAMP)[place])
    return np.where((weights == 0)[..., None], _blend((VOID, VOID))[0], shown)


def _blend(stops: Sequence[str]) -> np.ndarray:
    """256 colours from the first stop to the last, [256 3]."""
    known = np.array([[int(stop[at : at + 2], 16) / 255 for at in (1, 3, 5)] for stop in stops])
    places = np.linspace(0, len(stops) - 1, 256)
    return np.stack([np.interp(places, range(len(stops)), known[:, c]) for c in range(3)], axis=-1)


def _draw_row(axes: Sequence[Axes], layer: LayerMaps, *, sharp: bool) -> None:
    """sharp: whether every cell has a dot of its own; else neighbours are averaged."""
    for ax in axes:
        ax.set_xticks([])
        ax.set_yticks([])
        for spine in ax.spines.values():
            spine.set_visible(False)
    if layer.weights is None:
        axes[0].text(
            0, 0.5, f"{drawable(layer.kind)}: no weights", fontsize=8, color=SOFT, va="center", parse_math=False
        )
        return
    for ax, weights in zip(axes, layer.weights, strict=False):
        ax.imshow(shade(weights), aspect="auto", interpolation="nearest" if sharp else "antialiased")


def _label(ax: Axes, queries: Sequence[Word], keys: Sequence[Word]) -> None:
    size = 9 if max(len(queries), len(keys)) <= 32 else 6.5
    for axis, words, turn in ((ax.xaxis, keys, 90), (ax.yaxis, queries, 0)):
        axis.set_ticks(range(len(words)))
        shown = [drawable(word.text, LONGEST_LABEL) for word in words]
        axis.set_ticklabels(shown, fontsize=size, color=INK, rotation=turn, parse_math=False)
    ax.tick_params(length=0)


def _scale(figure: Any, grid: Any) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, PowerNorm

    mapping = ScalarMappable(PowerNorm(0.5, 0, 1), ListedColormap(_blend(RAMP)))
    bar = figure.colorbar(mapping, ax=grid, fraction=0.02, pad=0.01, aspect=40, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, labelcolor=SOFT, color=SOFT)
