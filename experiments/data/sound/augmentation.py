"""What training does to recordings so that no two passes hear the same: everything follows from one generator."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction as Ratio

import numpy as np
import torch
from torch import Tensor

from registry.types import NonNegativeFloat, NonNegativeInt, Probability


@dataclass(frozen=True)
class Augmentation:
    """How far recordings are changed in training; 0 leaves a thing as it is.

    speed: played faster or slower by up to this share, which moves the pitch too (Ko et al. 2015, three speeds).
    gain: louder or softer by up to so many decibels. noise: the highest level of white or pink noise, as a share of the
    recording's own; the level is drawn evenly between 0 and this. shift: up to so many seconds of silence at the start.
    time_masks, frequency_masks: how many stretches are blotted out of the spectrogram (SpecAugment: Park et al. 2019,
    arXiv 1904.08779), each of up to time_width seconds, or frequency_width bands.
    """

    speed: Probability = 0.1
    gain: NonNegativeFloat = 6.0
    noise: NonNegativeFloat = 0.1
    shift: NonNegativeFloat = 0.1
    time_masks: NonNegativeInt = 1
    time_width: NonNegativeFloat = 0.1
    frequency_masks: NonNegativeInt = 2
    frequency_width: NonNegativeInt = 6


NONE = Augmentation(0.0, 0.0, 0.0, 0.0, 0, 0.0, 0, 0)


def changed(wave: np.ndarray, rate: int, how: Augmentation, random: np.random.Generator) -> np.ndarray:
    """A recording played at another speed, after some silence, louder or softer, with noise. float32 [n] -> [n']."""
    speed, pause, decibels, level, colour = random.uniform(-1.0, 1.0, 5)
    if how.speed:
        wave = at_speed(wave, 1.0 + how.speed * float(speed))
    if how.shift:
        wave = np.concatenate([np.zeros(int(rate * how.shift * abs(pause)), dtype=np.float32), wave])
    if how.noise:
        loudness = float(np.sqrt(np.mean(np.square(wave))))
        wave = wave + how.noise * abs(float(level)) * loudness * noise(len(wave), colour > 0, random)
    if how.gain:
        wave = wave * 10 ** (how.gain * float(decibels) / 20)
    return wave.astype(np.float32)


def at_speed(wave: np.ndarray, speed: float) -> np.ndarray:
    """A recording played `speed` times as fast, to the nearest fiftieth; its pitch rises with it. [n] -> [n']."""
    from scipy.signal import resample_poly

    ratio = Ratio(50, round(50 * speed))
    if ratio == 1:
        return wave
    up, down = ratio.numerator, ratio.denominator
    played = resample_poly(wave, up, down, window=_low_pass(max(up, down)).astype(wave.dtype))
    return np.asarray(played, dtype=np.float32)


def noise(length: int, pink: bool, random: np.random.Generator) -> np.ndarray:
    """Noise of mean square 1: as strong at every frequency, or with a power that falls as 1 / f. -> float32 [n]."""
    white = random.standard_normal(length, dtype=np.float32)
    if not pink or length < 2:
        return white
    spectrum = np.fft.rfft(white)
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    coloured = np.fft.irfft(spectrum, length)
    return np.asarray(coloured / np.sqrt(np.mean(np.square(coloured))), dtype=np.float32)


def masked(spectrogram: Tensor, how: Augmentation, random: np.random.Generator) -> Tensor:
    """A spectrogram with stretches of time and bands replaced by its mean. [bins frames], 100 frames a second."""
    bins, frames = spectrogram.shape
    hidden = torch.zeros(bins, frames, dtype=torch.bool)
    for _ in range(how.time_masks):
        first, end = _stretch(frames, round(100 * how.time_width), random)
        hidden[:, first:end] = True
    for _ in range(how.frequency_masks):
        first, end = _stretch(bins, how.frequency_width, random)
        hidden[first:end] = True
    return spectrogram.masked_fill(hidden, float(spectrogram.mean()))


def _stretch(room: int, widest: int, random: np.random.Generator) -> tuple[int, int]:
    width = min(int(random.integers(0, widest + 1)), room)
    first = int(random.integers(0, room - width + 1))
    return first, first + width


@functools.lru_cache(maxsize=64)
def _low_pass(factor: int) -> np.ndarray:
    """The filter that `resample_poly` makes for itself each time."""
    from scipy.signal import firwin

    taps: np.ndarray = firwin(20 * factor + 1, 1.0 / factor, window=("kaiser", 5.0))
    return taps
