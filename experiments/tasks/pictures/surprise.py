"""A text whose tokens are the darker the less a model expected them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib import colormaps
from matplotlib.figure import Figure

ACROSS = 90
"""Characters in a line."""
LINES = 40


def surprise_picture(answer: Mapping[str, Any]) -> Figure:
    """The first LINES lines of a text in letters of one width, on a colour for each token.

    answer: "tokens", each with its text and its nats, null where nothing is known; "bits_per_byte".
    """
    rows = _rows(answer["tokens"])
    most = max((nats for row in rows for _, _, nats in row if nats is not None), default=1.0) or 1.0
    figure = Figure(figsize=(0.095 * ACROSS + 0.4, 0.24 * len(rows) + 0.7))
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.9))
    axes.set_xlim(0, ACROSS)
    axes.set_ylim(len(rows), 0)
    axes.set_axis_off()
    shades = colormaps["Oranges"]
    for line, row in enumerate(rows):
        for column, text, nats in row:
            if nats is not None:
                axes.barh(line + 0.5, len(text), left=column, height=0.9, color=shades(0.75 * nats / most))
            for place, character in enumerate(text):
                axes.text(
                    column + place + 0.5,
                    line + 0.5,
                    character,
                    family="monospace",
                    size=9,
                    ha="center",
                    va="center",
                    parse_math=False,
                )
    bits = answer["bits_per_byte"]
    said = "" if bits is None else f"{bits:.2f} bits a byte; "
    figure.suptitle(f"{said}darkest: {most:.1f} nats for a token", size=9, y=0.99)
    return figure


def _rows(tokens: list[Mapping[str, Any]]) -> list[list[tuple[int, str, float | None]]]:
    """Pieces (column, text, nats) of each line; a token may go on in the next one."""
    rows: list[list[tuple[int, str, float | None]]] = [[]]
    column = 0
    for token in tokens:
        # what cannot be seen takes room all the same
        rest = "".join(c if c.isprintable() else " " for c in str(token["token"]))
        while rest:
            piece, rest = rest[: ACROSS - column], rest[ACROSS - column :]
            rows[-1].append((column, piece, token["nats"]))
            column += len(piece)
            if column == ACROSS:
                if len(rows) == LINES:
                    return rows
                rows.append([])
                column = 0
    return rows
