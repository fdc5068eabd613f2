"""Images that a person can look at, with what a model says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

_SHOWN = 5
_TRUE, _FOUND = "#1baf7a", "#eb6834"


@dataclass(frozen=True)
class Box:
    """corner: left and top; size: width and height, in pixels; words: written at its upper left corner."""

    corner: tuple[float, float]
    size: tuple[float, float]
    words: str

    @classmethod
    def of(cls, box: Sequence[float], words: str) -> Box:
        """box: left, top, width, height."""
        left, top, width, height = box
        return cls((left, top), (width, height), words)


def draw_classes(picture: np.ndarray, probabilities: Mapping[str, float]) -> Figure:
    """An image, [H W] or [H W c], beside bars of its likeliest classes."""
    figure = Figure(figsize=(6, 2.6), layout="constrained")
    image, bars = figure.subplots(1, 2)
    _show(image, picture)
    likeliest = sorted(probabilities, key=probabilities.__getitem__, reverse=True)[:_SHOWN][::-1]
    places = range(len(likeliest))
    bars.barh(places, [probabilities[name] for name in likeliest], color="#2a78d6")
    bars.set_yticks(places, likeliest, parse_math=False)
    bars.set_xlim(0, 1)
    bars.set_xlabel("probability")
    bars.spines[["top", "right"]].set_visible(False)
    return figure


def draw_boxes(picture: np.ndarray, found: Sequence[Box], true: Sequence[Box] = ()) -> Figure:
    """An image, [H W] or [H W c], with the boxes that a model found and, dashed, the true ones where they are known."""
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    _show(axes, picture)
    for boxes, colour, style in ((true, _TRUE, "--"), (found, _FOUND, "-")):
        for box in boxes:
            corner = box.corner[0] - 0.5, box.corner[1] - 0.5
            axes.add_patch(Rectangle(corner, *box.size, fill=False, edgecolor=colour, linestyle=style, linewidth=1.5))
            if box.words:
                # a name with a dollar sign is no formula
                axes.text(
                    *corner, box.words, color="white", fontsize=8, va="bottom", bbox=_plate(colour), parse_math=False
                )
    if true:
        axes.set_title("found (solid) and true (dashed)", fontsize=9)
    return figure


def _plate(colour: str) -> dict[str, object]:
    return {"facecolor": colour, "edgecolor": "none", "pad": 1.0}


def _show(axes: Axes, picture: np.ndarray) -> None:
    axes.imshow(np.squeeze(picture), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.axis("off")
