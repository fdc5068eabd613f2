"""Log-mel spectrograms: a slow transform by hand, and Whisper's own front end."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from experiments.data.sound.log_mel import frames_in, log_mel, mel_filters, window_and_hop


def slow(wave: np.ndarray, rate: int, bins: int) -> np.ndarray:
    """The definition: a sum of cosines and sines for each frequency, and a triangle for each band."""
    window, hop = round(0.025 * rate), round(0.01 * rate)
    half = window // 2
    padded = np.concatenate([wave[half:0:-1], wave, wave[-2 : -half - 2 : -1]])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    angles = 2 * np.pi * np.outer(np.arange(half + 1), np.arange(window)) / window
    power = []
    for first in range(0, len(wave) // hop * hop, hop):
        piece = padded[first : first + window] * hann
        power.append((np.cos(angles) @ piece) ** 2 + (np.sin(angles) @ piece) ** 2)
    mel = slow_filters(rate, window, bins) @ np.stack(power, axis=1)
    x = np.log10(np.maximum(mel, 1e-10))
    found: np.ndarray = (np.maximum(x, x.max() - 8) + 4) / 4
    return found


def slow_filters(rate: int, window: int, bins: int) -> np.ndarray:
    def hertz(mel: float) -> float:
        return mel * 200 / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)

    highest = rate / 2
    top = highest * 3 / 200 if highest < 1000 else 15 + 27 * math.log(highest / 1000) / math.log(6.4)
    edges = [hertz(top * i / (bins + 1)) for i in range(bins + 2)]
    filters = np.zeros((bins, window // 2 + 1))
    for band, (low, middle, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        for k in range(window // 2 + 1):
            f = k * rate / window
            height = (f - low) / (middle - low) if f < middle else (high - f) / (high - middle)
            filters[band, k] = max(0.0, height) * 2 / (high - low)
    return filters


@pytest.mark.parametrize(("rate", "bins"), [(8000, 40), (16000, 80), (22050, 23)])
def test_the_slow_transform_in_float64(rate: int, bins: int) -> None:
    wave = np.random.default_rng(1).normal(size=rate // 5 + 17) * np.linspace(1e-4, 1, rate // 5 + 17)
    found = log_mel(torch.from_numpy(wave), rate, bins).numpy()
    assert found.shape == (bins, frames_in(len(wave), rate))
    np.testing.assert_allclose(found, slow(wave, rate, bins), rtol=0, atol=1e-10)


def test_the_range_is_two() -> None:
    """Eight powers of ten, and no less than 1e-10 of a power, divided by four."""
    wave = torch.sin(torch.arange(4000) * 0.5)
    found = log_mel(wave, 8000, 40)
    assert float(found.max() - found.min()) == pytest.approx(2.0, abs=1e-6)


def test_loudness_moves_the_spectrogram_as_a_whole() -> None:
    wave = torch.randn(3000, dtype=torch.float64)
    louder = log_mel(10 * wave, 8000, 20)
    torch.testing.assert_close(louder, log_mel(wave, 8000, 20) + 2 / 4, rtol=0, atol=1e-10)


def test_single_precision_is_near() -> None:
    wave = torch.randn(8000, dtype=torch.float64) * 0.1
    exact = log_mel(wave, 8000, 40)
    torch.testing.assert_close(log_mel(wave.float(), 8000, 40).double(), exact, rtol=0, atol=1e-5)


def test_what_cannot_be() -> None:
    assert window_and_hop(16000) == (400, 160)
    with pytest.raises(ValueError, match="100 samples are fewer than half a window of 200"):
        log_mel(torch.zeros(100), 8000, 40)
    with pytest.raises(ValueError, match="300 bands are too narrow for windows of 200 samples"):
        log_mel(torch.zeros(4000), 8000, 300)


@pytest.mark.parity
def test_whisper_s_own_front_end() -> None:
    from transformers import WhisperFeatureExtractor

    extractor = WhisperFeatureExtractor(feature_size=80, chunk_length=2)
    wave = np.random.default_rng(0).normal(size=32000).astype(np.float32) * 0.1
    theirs = extractor(wave, sampling_rate=16000, return_tensors="np")["input_features"][0]
    ours = log_mel(torch.from_numpy(wave).double(), 16000, 80).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-6)


@pytest.mark.parity
@pytest.mark.parametrize(("rate", "bins"), [(16000, 80), (16000, 128), (8000, 40), (22050, 64)])
def test_whisper_s_filters_at_any_rate(rate: int, bins: int) -> None:
    from transformers.audio_utils import mel_filter_bank

    window = window_and_hop(rate)[0]
    theirs = mel_filter_bank(window // 2 + 1, bins, 0.0, rate / 2, rate, norm="slaney", mel_scale="slaney")
    # an odd window has no frequency at half the rate, which theirs takes for granted
    if window % 2 == 0:
        np.testing.assert_allclose(mel_filters(rate, window, bins).numpy(), theirs.T, rtol=0, atol=1e-12)
