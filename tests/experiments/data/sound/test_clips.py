"""Clips from archives and folders, joined and changed by what a seed says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from experiments.data import BadData
from experiments.data.sound.augmentation import NONE, Augmentation, at_speed, changed, masked, noise
from experiments.data.sound.clips import drawn_split, expanded, read_clips
from experiments.data.sound.joining import Joiner, joined

RATE = 8000


def tone(seconds: float = 0.3, pitch: float = 440.0) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    wave: np.ndarray = 0.5 * np.sin(2 * np.pi * pitch * times)
    return wave.astype(np.float32)


def folder(home: Path, listed: str, names: str = "abcdef") -> Path:
    for i, name in enumerate(names):
        wavfile.write(home / f"{name}.wav", RATE, tone(0.2 + 0.02 * i, 300.0 + 20 * i))
    (home / "transcripts.tsv").write_text(listed, encoding="utf-8")
    return home


def codes(wave: np.ndarray) -> np.ndarray:
    """Mu-law, the inverse of `expanded`."""
    y = np.sign(wave) * np.log1p(255 * np.abs(wave)) / np.log(256)
    return np.round((y + 1) * 127.5).astype(np.uint8)


def archive(path: Path, **changes: Any) -> Path:
    waves = [codes(tone(0.2)), codes(tone(0.3))]
    found: dict[str, Any] = {"rate": np.array([RATE])}
    for split in ("train", "valid"):
        found |= {f"audio_{split}": np.concatenate(waves), f"offset_{split}": np.array([0, 1600, 4000])}
        found |= {f"text_{split}": np.array(["one", "two  three"]), f"speaker_{split}": np.array(["ann", "bob"])}
    np.savez(path, **{name: value for name, value in (found | changes).items() if value is not None})
    return path


def test_mu_law() -> None:
    wave = tone()
    np.testing.assert_allclose(expanded(codes(wave)), wave, rtol=0.03, atol=1e-3)
    assert expanded(np.array([0, 255], dtype=np.uint8)).tolist() == [-1.0, 1.0]


def test_an_archive(tmp_path: Path) -> None:
    found = read_clips(archive(tmp_path / "a.npz"), RATE)
    assert list(found) == ["train", "valid"]
    clips = found["train"]
    assert (clips.texts, clips.voices, [len(wave) for wave in clips.waves]) == (
        ["one", "two three"],
        ["ann", "bob"],
        [1600, 2400],
    )
    assert len(read_clips(archive(tmp_path / "a.npz"), 2 * RATE)["train"].waves[0]) == 3200
    assert read_clips(archive(tmp_path / "a.npz", speaker_train=None), RATE)["train"].voices == ["", ""]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"rate": None}, r"no array 'rate'"),
        ({"rate": np.array([8, 9])}, r"'rate' has to be one number"),
        ({"rate": np.array([0])}, r"'rate' has to be one number, of samples a second, not \[0\]"),
        ({"text_train": None}, r"no array 'text_train'\. Did you mean"),
        ({"offset_train": np.array([0, 4000])}, r"train: 2 offsets, 2 texts and 2 speakers do not go together"),
        ({"offset_valid": np.array([0, 5, 9000])}, r"'offset_valid' does not rise from 0 to at most 4000"),
        ({"offset_train": np.array([0, 0, 4000])}, r"a\.npz \(train\):0: there is not one sample"),
        ({"audio_valid": np.full(4000, 128, np.uint8)}, r"a\.npz \(valid\):0: silent"),
        ({"audio_train": np.zeros(4000)}, r"'audio_train' has to be mu-law, uint8 \[n\], not float64 \[4000\]"),
        ({"text_valid": np.array(["one", " "])}, r"a\.npz \(valid\):1: the transcript is empty"),
    ],
)
def test_a_wrong_archive(changes: dict[str, Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=problem):
        read_clips(archive(tmp_path / "a.npz", **changes), RATE)


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK and nothing more")
    with pytest.raises(BadData, match=r"a\.npz: not an archive of arrays"):
        read_clips(tmp_path / "a.npz", RATE)
    np.savez(tmp_path / "b.npz", rate=np.array([RATE]))
    with pytest.raises(BadData, match="no array 'audio_train', 'audio_valid' or 'audio_test'"):
        read_clips(tmp_path / "b.npz", RATE)


def test_a_folder(tmp_path: Path) -> None:
    listed = "split\tname\ttext\tvoice\ntrain\ta\tone\tann\ntrain\tb.wav\ttwo\tbob\n\nvalid\tc\tthree\tann\n"
    found = read_clips(folder(tmp_path, listed), RATE)
    assert {split: clips.texts for split, clips in found.items()} == {"train": ["one", "two"], "valid": ["three"]}
    assert (found["train"].voices, found["valid"].rows) == (["ann", "bob"], [5])


def test_a_folder_without_splits_is_always_split_alike(tmp_path: Path) -> None:
    found = read_clips(folder(tmp_path, "name\ttext\na\tone\nb\ttwo\nc\tthree\n"), RATE)
    splits = [drawn_split(name) for name in "abc"]
    assert {split: len(clips) for split, clips in found.items()} == {s: splits.count(s) for s in splits}
    many = [drawn_split(f"clip {i}") for i in range(2000)]
    assert [round(many.count(split) / 2000, 1) for split in ("train", "valid", "test")] == [0.8, 0.1, 0.1]


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ("name\ttext\nnobody\tone\n", r"transcripts\.tsv:2: there is no sound 'nobody' in the folder"),
        ("name\ttext\na\n", r"transcripts\.tsv:2: 1 columns where the header has 2"),
        ("name\ttext\na\t \n", r"transcripts\.tsv:2: the transcript is empty"),
        ("name\ttext\n", "there is not one clip"),
        ("file\ttext\na\tone\n", r"no column 'name'; its columns, named by the first row, are file, text"),
        ("split\tname\ttext\ndev\ta\tone\n", r"transcripts\.tsv:2: split 'dev' is none of train, valid, test"),
    ],
)
def test_a_wrong_folder(listed: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=problem):
        read_clips(folder(tmp_path, listed), RATE)


def test_a_folder_without_transcripts(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"transcripts\.tsv: there is no such file"):
        read_clips(tmp_path, RATE)


def test_joined_clips_are_of_one_voice_and_of_so_many_words() -> None:
    words = [1, 1, 2, 1, 3, 1]
    joiner = Joiner(["a", "b", "a", "a", "b", "a"], words, 5)
    random = np.random.default_rng(0)
    seen = [joiner.follow(0, 4, random) for _ in range(200)]
    assert all(chosen[0] == 0 and set(chosen) <= {0, 2, 3, 5} for chosen in seen)
    assert {sum(words[i] for i in chosen) for chosen in seen} == {4}
    assert {i for chosen in seen for i in chosen} == {0, 2, 3, 5}
    assert joiner.follow(4, 2, random) == [4]
    assert joiner.follow(4, 3, random) == [4]


def test_waves_follow_each_other_after_a_pause_or_overlap() -> None:
    one, two = np.ones(800, np.float32), 2 * np.ones(800, np.float32)
    lengths = []
    for seed in range(60):
        whole = joined([one, two], RATE, np.random.default_rng(seed))
        lengths.append(len(whole))
        assert (whole[:300] == 1).all()
        assert (whole[-300:] == 2).all()
        assert set(np.unique(whole)) <= {0.0, 1.0, 2.0, 3.0}
    assert 1600 - 480 <= min(lengths) < 1600 < max(lengths) <= 1600 + 800


def test_changes_follow_from_the_seed() -> None:
    how = Augmentation()
    once, again, other = (changed(tone(), RATE, how, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert once.dtype == np.float32
    np.testing.assert_array_equal(once, again)
    assert len(once) != len(other) or not np.array_equal(once, other)


def test_each_change_alone() -> None:
    wave, none = tone(), {"speed": 0.0, "gain": 0.0, "noise": 0.0, "shift": 0.0}
    random = np.random.default_rng
    np.testing.assert_array_equal(changed(wave, RATE, NONE, random(0)), wave)
    for seed in range(5):
        louder = changed(wave, RATE, Augmentation(**none | {"gain": 6.0}), random(seed))
        ratio = louder[100] / wave[100]
        assert 10 ** (-6 / 20) <= ratio <= 10 ** (6 / 20)
        np.testing.assert_allclose(louder, ratio * wave, rtol=1e-4, atol=1e-6)
        later = changed(wave, RATE, Augmentation(**none | {"shift": 0.1}), random(seed))
        assert 0 < len(later) - len(wave) <= 800
        np.testing.assert_array_equal(later[-len(wave) :], wave)
        noisy = changed(wave, RATE, Augmentation(**none | {"noise": 0.5}), random(seed))
        added = np.sqrt(np.mean((noisy - wave) ** 2)) / np.sqrt(np.mean(wave**2))
        assert 0 < added <= 0.55
        faster = changed(wave, RATE, Augmentation(**none | {"speed": 0.2}), random(seed))
        assert len(wave) / 1.21 <= len(faster) <= len(wave) / 0.79


def test_speed_raises_the_pitch() -> None:
    faster = at_speed(tone(1.0, 400.0), 1.2)
    assert len(faster) == pytest.approx(RATE / 1.2, abs=1)
    spectrum = np.abs(np.fft.rfft(faster))
    assert spectrum.argmax() * RATE / len(faster) == pytest.approx(480, abs=2)
    assert at_speed(tone(), 1.001) is not None


@pytest.mark.parametrize("pink", [False, True])
def test_noise(pink: bool) -> None:
    found = noise(16384, pink, np.random.default_rng(0))
    assert np.mean(found**2) == pytest.approx(1, rel=0.05)
    power = np.abs(np.fft.rfft(found)) ** 2
    low, high = power[64:128].mean(), power[4096:8192].mean()
    assert low / high == pytest.approx(64 if pink else 1, rel=0.4)


def test_masks_hide_stretches() -> None:
    import torch

    spectrogram = torch.arange(40.0 * 60).reshape(40, 60) + 1
    how = Augmentation(time_masks=1, time_width=0.1, frequency_masks=2, frequency_width=6)
    for seed in range(20):
        found = masked(spectrogram, how, np.random.default_rng(seed))
        hidden = found != spectrogram
        columns, rows = hidden.all(0), hidden.all(1)
        assert int(columns.sum()) <= 10
        assert int(rows.sum()) <= 12
        assert torch.equal(hidden, columns[None] | rows[:, None])
        assert set(found[hidden].tolist()) <= {float(spectrogram.mean())}
    assert torch.equal(masked(spectrogram, NONE, np.random.default_rng(0)), spectrogram)
