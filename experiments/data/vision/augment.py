"""Images changed a little, by numbers that are drawn from the seed of each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from registry.types import NonNegativeFloat, NonNegativeInt, Probability

_NUMBERS = 12


@dataclass(frozen=True)
class Augment:
    """What may happen to a training image, anew in each pass.

    flip: left and right change places in half of the images. shift: by at most so many pixels in each direction; what
    is uncovered repeats the edge. rotate: by at most so many degrees. zoom: to at most so much larger or smaller, as a
    share. light: brightness and contrast change by at most this share. erase: probability that a rectangle of 2 to
    33 % of the image is set to the mean (Zhong et al. 2017, arXiv 1708.04896).
    """

    flip: bool = False
    shift: NonNegativeInt = 0
    rotate: NonNegativeFloat = 0.0
    zoom: Probability = 0.0
    light: Probability = 0.0
    erase: Probability = 0.0

    def __call__(self, pixels: Tensor, seeds: Tensor) -> Tensor:
        """pixels: [b c H W], their mean at 0; seeds: int [b] -> [b c H W]."""
        if self == Augment():
            return pixels
        u = numbers(seeds, _NUMBERS)
        if self.flip:
            pixels = torch.where(rearrange(u[:, 0] < 0.5, "b -> b 1 1 1"), pixels.flip(-1), pixels)
        if self.rotate or self.zoom:
            pixels = turned(pixels, (2 * u[:, 1] - 1) * math.radians(self.rotate), 1 + (2 * u[:, 2] - 1) * self.zoom)
        if self.shift:
            pixels = shifted(pixels, (u[:, 3:5] * (2 * self.shift + 1)).long() - self.shift)
        if self.light:
            contrast, brightness = rearrange((2 * u[:, 5:7] - 1) * self.light, "b two -> two b 1 1 1")
            pixels = pixels * (1 + contrast) + brightness
        if self.erase:
            pixels = erased(pixels, u[:, 8:], u[:, 7] < self.erase)
        return pixels


def numbers(seeds: Tensor, count: int) -> Tensor:
    """Evenly from 0 to 1, each row from its own seed. seeds: int [b] -> [b count]."""
    dice = torch.Generator()
    return torch.stack([torch.rand(count, generator=dice.manual_seed(seed)) for seed in seeds.tolist()])


def shifted(pixels: Tensor, by: Tensor) -> Tensor:
    """Moved down and right by whole pixels. pixels: [b c H W]; by: int [b 2]."""
    height, width = pixels.shape[-2:]
    rows = (torch.arange(height) - by[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width) - by[:, 1:]).clamp(0, width - 1)
    b, c = torch.arange(len(pixels)), torch.arange(pixels.shape[1])
    grid = rearrange(b, "b -> b 1 1 1"), rearrange(c, "c -> 1 c 1 1")
    return pixels[(*grid, rearrange(rows, "b h -> b 1 h 1"), rearrange(columns, "b w -> b 1 1 w"))]


def turned(pixels: Tensor, angle: Tensor, factor: Tensor) -> Tensor:
    """Turned about the middle and enlarged. pixels: [b c H W]; angle (radians), factor: [b]."""
    height, width = pixels.shape[-2:]
    cosine, sine, none = angle.cos() / factor, angle.sin() / factor, torch.zeros_like(angle)
    # where each pixel comes from, both axes measured in halves of their side
    across = torch.stack([cosine, -sine * height / width, none], dim=1)
    down = torch.stack([sine * width / height, cosine, none], dim=1)
    grid = functional.affine_grid(torch.stack([across, down], dim=1), list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def erased(pixels: Tensor, u: Tensor, which: Tensor) -> Tensor:
    """A rectangle of each of these images is set to 0: its area a share of 0.02 to 0.33, its sides 0.3 to 3.3 apart.

    pixels: [b c H W]; u: [b 4], area, aspect, row and column, each evenly from 0 to 1; which: bool [b].
    """
    height, width = pixels.shape[-2:]
    area, aspect = 0.02 + 0.31 * u[:, 0], (math.log(0.3) + (math.log(3.3) - math.log(0.3)) * u[:, 1]).exp()
    tall = ((area * aspect).sqrt() * height).round().clamp(1, height)
    wide = ((area / aspect).sqrt() * width).round().clamp(1, width)
    top, left = (u[:, 2] * (height - tall + 1)).floor(), (u[:, 3] * (width - wide + 1)).floor()
    y, x = torch.arange(height), torch.arange(width)
    rows = (y >= top[:, None]) & (y < (top + tall)[:, None])
    columns = (x >= left[:, None]) & (x < (left + wide)[:, None])
    inside = rearrange(rows, "b h -> b h 1") & rearrange(columns, "b w -> b 1 w")
    return pixels.masked_fill(rearrange(inside & which[:, None, None], "b h w -> b 1 h w"), 0.0)
