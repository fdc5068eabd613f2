"""The pictures are pictures, whatever the tokens are."""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest

from experiments.attention_maps.gather import LayerMaps, StackMaps
from experiments.attention_maps.picture import BELOW, RAMP, VOID, draw_picture, shade
from experiments.attention_maps.reading import Reading


def pixels(png: bytes) -> np.ndarray:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return matplotlib.image.imread(io.BytesIO(png))[..., :3]


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])


def has(image: np.ndarray, colour: str) -> bool:
    return bool((np.abs(image - rgb(colour)).max(-1) < 1 / 255).any())


@pytest.mark.parametrize("place", range(3))
def test_every_stack(reading: Reading, place: int) -> None:
    """Hostile tokens, characters without a glyph, a layer without weights; warnings would be errors."""
    image = pixels(draw_picture(reading, reading.stacks[place], "$\\frac{1$ <b> \u4e2d \U0001f98a\n"))
    assert image.shape[0] > 200 and image.shape[1] > 600
    # only a decoder has keys that are not visible
    assert has(image, VOID) == (reading.stacks[place].name == "decoder")


def test_a_stack_of_which_nothing_can_be_shown(reading: Reading) -> None:
    stack = StackMaps("encoder", [LayerMaps(0, "mine", why="none"), LayerMaps(1, "mine", why="none")])
    assert not has(pixels(draw_picture(reading, stack, "x")), VOID)


def test_few_maps_are_large(reading: Reading) -> None:
    stack = reading.stacks[2]
    (layer,) = stack.layers
    assert layer.weights is not None
    one = replace(stack, layers=[replace(layer, heads=[1], weights=layer.weights[1:2])])
    many = replace(stack, layers=[replace(layer, layer=n) for n in range(4)])
    tall, wide = (pixels(draw_picture(reading, each, "x")).shape for each in (one, many))
    assert tall[0] / 1 > wide[0] / 4


def test_shades() -> None:
    found = shade(np.array([0.0, 1.0, 0.25, -1.0, 5.0]))
    expected = [rgb(VOID), rgb(RAMP[-1]), rgb(RAMP[2]), rgb(BELOW[-1]), rgb(RAMP[-1])]
    np.testing.assert_allclose(found, expected, atol=0.01)
