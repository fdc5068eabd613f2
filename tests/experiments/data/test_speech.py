"""Speech: what a batch holds, what follows from the seed, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import wavfile

from experiments.data import BadData, Bytes, Speech
from experiments.data.sound.augmentation import NONE
from experiments.data.sound.log_mel import log_mel
from registry import Builder

PAD, BOS, EOS = 256, 257, 258
RATE = 8000


def tone(seconds: float, pitch: float) -> np.ndarray:
    wave: np.ndarray = 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE)
    return wave.astype(np.float32)


def clips(home: Path, texts: dict[str, list[str]] | None = None, **options: Any) -> Speech:
    home.mkdir(exist_ok=True)
    texts = texts or {"train": ["ab", "c", "ba c", "a", "b"], "valid": ["a", "bc"]}
    lines = []
    for split, said in texts.items():
        for i, text in enumerate(said):
            name = f"{split}{i}"
            wavfile.write(home / f"{name}.wav", RATE, tone(0.2 + 0.05 * i, 300.0 + 70 * i))
            lines.append(f"{split}\t{name}\t{text}\t{'ann' if i % 2 else 'bob'}")
    (home / "transcripts.tsv").write_text("\n".join(["split\tname\ttext\tvoice", *lines]) + "\n")
    return Speech(0, **{"path": str(home), "bins": 20, "length": 16, "batch_size": 2, **options})


def test_batch(tmp_path: Path) -> None:
    data = clips(tmp_path)
    (batch,) = data.eval_loader()
    assert batch["tokens"].tolist() == [[BOS, 97, PAD], [BOS, 98, 99]]
    assert batch["targets"].tolist() == [[97, EOS, PAD], [98, 99, EOS]]
    assert batch["valid"].tolist() == [[True, True, False], [True] * 3]
    assert batch["rows"].tolist() == [0, 1]
    assert batch["source"].shape == (2, 20, 25)
    assert batch["source_valid"].sum(1).tolist() == [20, 25]
    right = log_mel(torch.from_numpy(tone(0.2, 300.0)), RATE, 20)
    torch.testing.assert_close(batch["source"][0, :, :20], right)
    assert not batch["source"][0, :, 20:].any()
    assert (data.length, data.vocab, data.splits()) == (16, 259, ["train", "valid"])
    assert data.positions({}) == 1500


def test_evaluation_changes_nothing_and_training_everything(tmp_path: Path) -> None:
    data = clips(tmp_path)
    once, again = ([b["source"] for b in data.eval_loader()] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    rows = data.rows("train")
    key = rows.keys(None)[:1]
    plain = log_mel(torch.from_numpy(rows.clips.waves[0]), RATE, 20)
    assert not torch.equal(rows.batch(key)["source"][0], plain)


def batches(data: Speech, count: int) -> list[dict[str, torch.Tensor]]:
    loader = iter(data.train_loader())
    return [next(loader) for _ in range(count)]


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_batches_follow_from_the_seed(tmp_path: Path) -> None:
    one, two = (batches(clips(tmp_path, join=3), 6) for _ in range(2))
    assert all(same(a, b) for a, b in zip(one, two, strict=True))
    # the second pass over two batches hears other things than the first
    assert not any(same(a, b) for a in one[:2] for b in one[2:4])
    other = clips(tmp_path, join=3)
    other.seed = 1
    assert not same(one[0], batches(other, 1)[0])


def test_resumed_in_the_middle_of_a_pass(tmp_path: Path) -> None:
    whole = batches(clips(tmp_path, join=3), 6)
    before, after = clips(tmp_path, join=3).train_loader(), clips(tmp_path, join=3).train_loader()
    begun = iter(before)
    for _ in range(3):
        next(begun)
    after.load_state_dict(before.state_dict())
    resumed = iter(after)
    assert all(same(next(resumed), batch) for batch in whole[3:])


def test_joined_rows_say_what_their_clips_say(tmp_path: Path) -> None:
    data = clips(tmp_path, join=4, augmentation=NONE)
    texts = set()
    for batch in batches(data, 30):
        for row in range(len(batch["rows"])):
            ids = batch["targets"][row][batch["valid"][row]].tolist()
            text = data.tokenizer.decode(ids)
            texts.add(text)
            assert ids[-1] == EOS
            assert text.startswith(data.rows("train").texts[int(batch["rows"][row])])
            # voices are not mixed: bob says what is at even places
            said = [{"ab", "c", "ba", "b"}, {"c", "a"}][int(batch["rows"][row]) % 2]
            assert set(text.split()) <= said
    assert {len(text.split()) for text in texts} == {1, 2, 3, 4}


def test_a_pass_has_every_clip_once_and_batches_of_like_length(tmp_path: Path) -> None:
    said = {"train": ["a"] * 12 + ["a b c"] * 12, "valid": ["a"]}
    data = clips(tmp_path, said, join=4, batch_size=4)
    keys = data.rows("train").keys(torch.Generator().manual_seed(3))
    assert sorted(keys[:, 0].tolist()) == list(range(24))
    words = keys[:, 2].reshape(6, 4)
    assert (words[:, -1] - words[:, 0]).sum() <= 3
    assert words.min() == 1
    assert words.max() == 4


def test_what_is_joined_fits(tmp_path: Path) -> None:
    data = clips(tmp_path, join=5, seconds=0.75, length=7)
    for batch in batches(data, 20):
        assert batch["targets"].shape[1] <= 7
        # speed, shift and pauses may add to what the clips last
        assert batch["source"].shape[2] <= 75 * 1.12 + 10 + 4 * 10


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"length": 3}, r"transcripts\.tsv:4: the transcript has 5 tokens with <eos>, at most 3 fit"),
        ({"seconds": 0.32}, r"transcripts\.tsv:5: lasts 0\.3 s, at most 0\.32 s are allowed"),
        ({"bins": 300}, "data.bins at data.rate 8000: 300 bands are too narrow"),
    ],
)
def test_what_does_not_fit(options: dict[str, Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=problem):
        clips(tmp_path, **options).prepare()


def test_a_clip_of_nothing(tmp_path: Path) -> None:
    data = clips(tmp_path)
    wavfile.write(tmp_path / "valid1.wav", RATE, tone(0.02, 400.0))
    with pytest.raises(BadData, match=r"transcripts\.tsv:8: lasts 0\.020 s, which is too short to hold speech"):
        data.prepare()


def test_a_split_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="there is no clip of the split 'valid'"):
        clips(tmp_path, {"train": ["a"]}).prepare()
    with pytest.raises(BadData, match="there is no clip of the split 'test'"):
        clips(tmp_path / "more").rows("test")


def test_new_recordings(tmp_path: Path) -> None:
    data = clips(tmp_path / "clips", {"train": ["a"], "valid": ["a"]})
    new = tmp_path / "new"
    new.mkdir()
    for i, name in enumerate("ba"):
        wavfile.write(new / f"{name}.wav", 2 * RATE, tone(0.5 + 0.25 * i, 300.0))
    (new / "notes.txt").write_text("not a sound")
    items = data.items(new)
    assert list(items.inputs) == ["a.wav", "b.wav"]
    batch = items.rows.batch(items.rows.keys(None))
    assert set(batch) == {"source", "source_valid", "rows"}
    # as many samples at twice the rate last half as long
    assert batch["source_valid"].sum(1).tolist() == [37, 25]
    assert list(data.items(new / "a.wav").inputs) == ["a.wav"]
    with pytest.raises(BadData, match="speech comes as a file"):
        data.items("one two")
    (new / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(BadData, match=r"a\.wav: not a WAV file"):
        data.items(new)
    (tmp_path / "none").mkdir()
    with pytest.raises(BadData, match="there is no sound in the folder"):
        data.items(tmp_path / "none")


def test_shipped_corpus() -> None:
    data = Speech(0, bins=40, tokenizer=Builder(Bytes, {}))
    about = data.about()
    assert [about[f"{split}_rows"] for split in ("train", "valid", "test")] == [520, 36, 112]
    assert [about[f"{split}_voices"] for split in ("train", "valid", "test")] == [31, 5, 6]
    voices = [set(data.clips[split].voices) for split in ("train", "valid", "test")]
    assert not voices[0] & (voices[1] | voices[2])
    assert not voices[1] & voices[2]
    digits = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
    assert {word for clips in data.clips.values() for text in clips.texts for word in text.split()} == digits
