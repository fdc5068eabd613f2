"""Sound files: every width of samples, several channels, other rates, and what cannot be read."""

from __future__ import annotations

import io
import sys
import wave as wave_module
from pathlib import Path

import numpy as np
import pytest

from experiments.data import BadData
from experiments.data.sound.reading import read_sound
from experiments.extras import MissingExtra

RATE = 8000


def tone(seconds: float = 0.4, pitch: float = 440.0, rate: int = RATE) -> np.ndarray:
    times = np.arange(round(seconds * rate)) / rate
    swelling: np.ndarray = 0.5 * np.sin(2 * np.pi * pitch * times) * np.linspace(0.2, 1.0, len(times))
    return swelling


def wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    from scipy.io import wavfile

    content = io.BytesIO()
    wavfile.write(content, rate, samples)
    return content.getvalue()


def wav24(samples: np.ndarray) -> bytes:
    content = io.BytesIO()
    with wave_module.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(RATE)
        whole = np.round(samples * (2**23 - 1)).astype("<i4")
        file.writeframes(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    return content.getvalue()


WIDTHS = {
    "8 bit": (wav(np.round(tone() * 127 + 128).astype(np.uint8)), 1e-2),
    "16 bit": (wav(np.round(tone() * 32767).astype(np.int16)), 1e-4),
    "24 bit": (wav24(tone()), 1e-6),
    "32 bit": (wav(np.round(tone() * (2**31 - 1)).astype(np.int32)), 1e-7),
    "single": (wav(tone().astype(np.float32)), 1e-7),
    "double": (wav(tone()), 1e-7),
}


@pytest.mark.parametrize("width", WIDTHS)
def test_every_width(width: str, tmp_path: Path) -> None:
    content, tolerance = WIDTHS[width]
    (tmp_path / "a.wav").write_bytes(content)
    found = read_sound(tmp_path / "a.wav", RATE)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, tone(), rtol=0, atol=tolerance)


def test_channels_are_averaged(tmp_path: Path) -> None:
    both = np.stack([tone(), -0.5 * tone()], axis=1)
    (tmp_path / "a.WAV").write_bytes(wav(both.astype(np.float32)))
    np.testing.assert_allclose(read_sound(tmp_path / "a.WAV", RATE), 0.25 * tone(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", [16000, 44100, 4000])
def test_another_rate(rate: int, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(tone(rate=rate), rate))
    found = read_sound(tmp_path / "a.wav", RATE)
    assert abs(len(found) - len(tone())) <= 1
    # the ends ring
    np.testing.assert_allclose(found[200:-200], tone()[200 : len(found) - 200], rtol=0, atol=5e-3)


def test_flac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.flac", np.stack([tone(), tone()], axis=1), RATE)
    np.testing.assert_allclose(read_sound(tmp_path / "a.flac", RATE), tone(), rtol=0, atol=1e-4)
    (tmp_path / "b.flac").write_bytes((tmp_path / "a.flac").read_bytes()[:40])
    with pytest.raises(BadData, match=r"b\.flac: not a FLAC file, or damaged"):
        read_sound(tmp_path / "b.flac", RATE)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtra, match=r"a\.flac: FLAC files need soundfile: pip install 'swapformer\[audio\]'"):
        read_sound(tmp_path / "a.flac", RATE)


def test_chunks_that_are_no_sound_are_passed_over(tmp_path: Path) -> None:
    content = wav(tone().astype(np.float32))
    note = b"note" + (4).to_bytes(4, "little") + b"mine"
    content = content[:4] + (len(content) + len(note) - 8).to_bytes(4, "little") + content[8:] + note
    (tmp_path / "a.wav").write_bytes(content)
    assert len(read_sound(tmp_path / "a.wav", RATE)) == len(tone())


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.wav", b"", "the file is empty"),
        ("a.wav", b"RIFF and nothing that follows", "not a WAV file, or damaged"),
        ("a.wav", wav(tone())[:100], "not a WAV file, or damaged"),
        ("a.wav", wav(np.zeros(800, dtype=np.int16)), "silent: all samples are the same"),
        ("a.wav", wav(np.zeros(0, dtype=np.int16)), "there is not one sample"),
        ("a.wav", wav(np.array([0.0, np.nan, 1.0])), "sample 1 is not a number"),
        ("a.wav", wav(tone(), rate=7), "its rate is 7 samples a second, which cannot be"),
        ("a.mp3", b"ID3", r"no sound by the ending of its name: \.wav or \.flac is wanted"),
    ],
)
def test_what_cannot_be_read(name: str, content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadData, match=rf"a\.\w+: .*{problem}"):
        read_sound(tmp_path / name, RATE)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="there is no such file"):
        read_sound(tmp_path / "a.wav", RATE)
