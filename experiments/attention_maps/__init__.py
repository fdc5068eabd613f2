"""What a trained model attends to: its attention weights as a page to explore and as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.attention_maps.reading import Reading


def write_maps(
    reading: Reading, folder: Path, title: str, text: str, facts: Sequence[str] = (), *, some_heads: bool = False
) -> list[Path]:
    """Write `attention.html` and a picture of each stack into a folder that exists; returns their paths, page first.

    title: where the model is from; text: what it read; facts: a few words each on the model; some_heads: whether the
    reading has only some of the heads. Files of the same names are written over. Raises OSError.
    """
    # Jinja and matplotlib are loaded here, so that importing this package stays free.
    from experiments.atomic import write_bytes, write_text
    from experiments.attention_maps.page import render_page
    from experiments.attention_maps.picture import draw_picture

    page = folder / "attention.html"
    write_text(page, render_page(reading, title, text, facts, some_heads=some_heads), durable=False)
    pictures = []
    for stack in reading.stacks:
        pictures.append(folder / f"{stack.name}.png")
        write_bytes(pictures[-1], draw_picture(reading, stack, text), durable=False)
    return [page, *pictures]


__all__ = ["write_maps"]
