"""Log-mel spectrograms as Whisper reads them, for any sampling rate and number of bands."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

WINDOW_SECONDS = 0.025
HOP_SECONDS = 0.01


def window_and_hop(rate: int) -> tuple[int, int]:
    """Samples in a window of 25 ms, and from one to the next, 10 ms: 400 and 160 at 16 kHz."""
    return round(WINDOW_SECONDS * rate), round(HOP_SECONDS * rate)


def frames_in(samples: int, rate: int) -> int:
    """How many frames `log_mel` makes of so many samples."""
    return samples // window_and_hop(rate)[1]


def log_mel(wave: Tensor, rate: int, bins: int) -> Tensor:
    """The spectrogram that Whisper's encoder reads (Radford et al. 2022, arXiv 2212.04356, section 2.2).

    x = log10(max(mel . |stft|^2, 1e-10)), then max(x, max(x) - 8), then (x + 4) / 4. The transform has windows of 25 ms
    (periodic Hann), one every 10 ms, centred, with the ends mirrored; its last frame is dropped, as in the authors'
    code. wave: float [n], samples between -1 and 1, more than half a window. bins: bands. Returns [bins frames].

    Raises ValueError for a wave that is too short, and for bands narrower than the transform can tell apart.
    """
    window, hop = window_and_hop(rate)
    if len(wave) <= window // 2:
        raise ValueError(f"{len(wave)} samples are fewer than half a window of {window}")
    hann = torch.hann_window(window, dtype=wave.dtype, device=wave.device)
    spectrum = torch.stft(wave, window, hop, window=hann, return_complex=True)[:, :-1]
    power = mel_filters(rate, window, bins).to(wave) @ spectrum.abs().square()
    x = power.clamp(min=1e-10).log10()
    return (x.clamp(min=float(x.max()) - 8.0) + 4.0) / 4.0


@functools.lru_cache(maxsize=16)
def mel_filters(rate: int, window: int, bins: int) -> Tensor:
    """Triangular filters on Slaney's mel scale, each of area 1, [bins window/2+1], float64.

    The scale is linear to 1000 Hz, and logarithmic above (Slaney 1998, Auditory Toolbox version 2, as in librosa).
    Raises ValueError where a band lies between two frequencies of the transform and would always be empty.
    """
    frequencies = np.arange(window // 2 + 1) * rate / window
    edges = _hertz(np.linspace(0, _mel(rate / 2), bins + 2))
    widths = np.diff(edges)
    rising = (frequencies[None] - edges[:-2, None]) / widths[:-1, None]
    falling = (edges[2:, None] - frequencies[None]) / widths[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    if not (filters.max(1) > 0).all():
        raise ValueError(f"{bins} bands are too narrow for windows of {window} samples: take fewer bins")
    return torch.from_numpy(filters)


def _mel(hertz: float) -> float:
    return float(hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
