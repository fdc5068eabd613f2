"""Recordings as one channel of samples at the rate that is asked for."""

from __future__ import annotations

import io
import struct
import warnings
from math import gcd
from pathlib import Path

import numpy as np

from experiments.data.content import read_bytes
from experiments.data.errors import BadData
from experiments.extras import MissingExtra

SOUNDS = (".wav", ".flac")
"""The endings of files that can be read."""

LOWEST_RATE, HIGHEST_RATE = 1000, 768_000


def read_sound(path: Path | str, rate: int) -> np.ndarray:
    """A WAV (8 to 64 bit PCM, floats) or FLAC file: float32 [n], the mean of its channels, between -1 and 1.

    A recording at another rate is resampled to `rate`, in samples a second. Raises BadData for a file that is damaged,
    empty or silent, and MissingExtra where FLAC needs it.
    """
    match Path(path).suffix.lower():
        case ".wav":
            found, samples = _wav(path)
        case ".flac":
            found, samples = _flac(path)
        case _:
            raise BadData(path, f"no sound by the ending of its name: {' or '.join(SOUNDS)} is wanted")
    if not LOWEST_RATE <= found <= HIGHEST_RATE:
        raise BadData(path, f"it says that its rate is {found} samples a second, which cannot be")
    return resampled(heard(samples, path), found, rate)


def heard(samples: np.ndarray, path: Path | str, row: int | None = None) -> np.ndarray:
    """One channel of samples [n] or [n channels], checked: there are some, all are numbers, not all the same."""
    wave = samples if samples.ndim == 1 else samples.mean(1)
    if not len(wave):
        raise BadData(path, "there is not one sample", row=row)
    if not np.isfinite(wave).all():
        second = int(np.argmin(np.isfinite(wave)))
        raise BadData(path, f"sample {second} is not a number", row=row)
    if np.ptp(wave) == 0:
        raise BadData(path, "silent: all samples are the same", row=row)
    return wave.astype(np.float32)


def resampled(wave: np.ndarray, found: int, rate: int) -> np.ndarray:
    """A wave at another rate, by a polyphase filter that keeps out what the lower rate cannot hold. wave: [n]."""
    if found == rate:
        return wave
    from scipy.signal import resample_poly

    shared = gcd(found, rate)
    return np.asarray(resample_poly(wave, rate // shared, found // shared), dtype=np.float32)


def _wav(path: Path | str) -> tuple[int, np.ndarray]:
    from scipy.io import wavfile

    try:
        # chunks that say who made the file are no concern of ours; one that is cut short is
        with warnings.catch_warnings():
            warnings.simplefilter("error", wavfile.WavFileWarning)
            warnings.filterwarnings("ignore", "Chunk .non-data. not understood", wavfile.WavFileWarning)
            rate, samples = wavfile.read(io.BytesIO(read_bytes(path)))
    except (
        ValueError,
        EOFError,
        struct.error,
        KeyError,
        TypeError,
        ZeroDivisionError,
        wavfile.WavFileWarning,
    ) as error:
        raise BadData(path, f"not a WAV file, or damaged: {error}") from None
    match samples.dtype.kind:
        # 8 bits are without a sign, wider ones with; 24 bits come as the upper ones of 32
        case "u":
            return rate, samples.astype(np.float64) / 128 - 1
        case "i":
            return rate, samples.astype(np.float64) / float(np.iinfo(samples.dtype).max + 1)
        case _:
            return rate, samples.astype(np.float64)


def _flac(path: Path | str) -> tuple[int, np.ndarray]:
    try:
        import soundfile
    except ModuleNotFoundError:
        raise MissingExtra(f"{path}: FLAC files need soundfile: pip install 'swapformer[audio]'") from None
    try:
        samples, rate = soundfile.read(io.BytesIO(read_bytes(path)), dtype="float64")
    except soundfile.LibsndfileError as error:
        raise BadData(path, f"not a FLAC file, or damaged: {error}") from None
    return int(rate), samples
