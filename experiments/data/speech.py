"""Recordings with what is said in them, for speech recognition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from experiments.data.base import Data, Items
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.files import CORPORA
from experiments.data.loader import Batch, Rows, pad, seeded
from experiments.data.sound.augmentation import NONE, Augmentation, changed, masked
from experiments.data.sound.clips import SPLITS, Clips, read_clips
from experiments.data.sound.joining import Joiner, joined
from experiments.data.sound.log_mel import HOP_SECONDS, log_mel, mel_filters, window_and_hop
from experiments.data.sound.reading import SOUNDS, read_sound
from experiments.data.tokenizers import SPECIALS, Bytes, Tokenizer
from registry import Build, Need, build, part
from registry.types import PositiveFloat, PositiveInt

SHORTEST = 0.05
"""Seconds below which a recording holds nothing that could be said."""


@part("data", "speech")
class Speech(Data):
    """Clips of speech and their transcripts, as Whisper reads them: log-mel spectrograms, 100 frames a second.

    The encoder reads `source` [b bins frames], the decoder <bos> and the transcript, and is to answer the transcript
    and <eos>. All clips are held in memory, 4 bytes a sample (115 MB for an hour at 8 kHz).

    corpus: clips that ship with the package, used unless `path` is given: spoken_digits, single digits and strings of 2
    to 5 digits by synthetic voices, at 8 kHz; the voices of valid and test are not in train, valid has strings only.
    path: of your own: a folder of WAV or FLAC files with `transcripts.tsv` (columns name, text, and perhaps split and
    voice; without splits a tenth of the clips each is valid and test), or an archive (.npz) of mu-law clips.
    rate: samples a second, to which every recording is brought. bins: bands of the spectrogram.
    seconds: the longest that a clip may be; a longer one is refused. length: the most tokens of a transcript, with one
    for <eos>; a longer one is refused.
    join: in training, up to so many words in a row, by more clips of the same voice after a clip; 1 for none. Without
    voices in the data, all clips count as one voice's.
    augmentation: what else training does to clips.
    """

    provides = frozenset({"speech"})
    needs = (
        Need("model", "source", "an encoder reads the sound, a decoder writes the text"),
        Need("model.encoder.embedding", "audio", "the source is a spectrogram"),
        Need("model.embedding", "tokens", "a transcript comes as tokens"),
    )
    length: int
    tokenizer: Tokenizer

    def __init__(
        self,
        seed: int = 0,
        *,
        corpus: Literal["spoken_digits"] = "spoken_digits",
        path: str | None = None,
        tokenizer: Build[Tokenizer] = Bytes,
        rate: PositiveInt = 8000,
        bins: PositiveInt = 80,
        seconds: PositiveFloat = 30.0,
        length: PositiveInt = 256,
        join: PositiveInt = 1,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 (frozen)
        batch_size: PositiveInt = 32,
    ) -> None:
        self.seed = seed
        self.length = length
        self.batch_size = batch_size
        self.tokenizer = build(tokenizer, specials=len(SPECIALS))
        self.name = f"'{corpus}'" if path is None else path
        self.path = CORPORA / "speech" / f"{corpus}.npz.xz" if path is None else Path(path).expanduser()
        self.rate, self.bins, self.seconds = rate, bins, seconds
        self.join, self.augmentation = join, augmentation
        self._clips: Mapping[str, Clips] = {}
        self._rows: dict[str, SpeechRows] = {}

    def shape(self) -> Mapping[str, int]:
        return {"encoder.embedding.bins": self.bins}

    def positions(self, model: Mapping[str, Any]) -> int:
        # the second convolution of the embedding takes every other frame
        return round(self.seconds / HOP_SECONDS) // 2

    @property
    def clips(self) -> Mapping[str, Clips]:
        """The clips of every split that there is."""
        if not self._clips:
            found = read_clips(self.path, self.rate)
            for split in ("train", "valid"):
                if not found.get(split):
                    raise BadData(self.path, f"there is no clip of the split '{split}'")
            self._clips = {split: found[split] for split in SPLITS if found.get(split)}
        return self._clips

    def prepare(self) -> None:
        if self._rows:
            return
        self._check_bins()
        self.tokenizer.fit([text.encode() for text in self.clips["train"].texts])
        for split, clips in self.clips.items():
            for wave, row in zip(clips.waves, clips.rows, strict=True):
                self._check_length(wave, clips.path, row)
            rows = SpeechRows(self, clips, training=split == "train")
            for text, row in zip(clips.texts, clips.rows, strict=True):
                if (n := len(rows.encode(text)) + 1) > self.length:
                    about = f"the transcript has {n} tokens with <eos>, at most {self.length} fit: raise data.length"
                    raise BadData(clips.path, about, row=row)
            self._rows[split] = rows

    def splits(self) -> list[str]:
        return list(self.clips)

    def rows(self, split: str) -> SpeechRows:
        self.prepare()
        if split not in self._rows:
            raise BadData(self.path, f"there is no clip of the split '{split}'")
        return self._rows[split]

    def about(self) -> dict[str, Any]:
        self.prepare()
        facts: dict[str, Any] = {"about": f"speech {self.name}"}
        for split, clips in self.clips.items():
            facts[f"{split}_rows"] = len(clips)
            facts[f"{split}_minutes"] = round(sum(map(len, clips.waves)) / self.rate / 60, 2)
            facts[f"{split}_voices"] = len(set(clips.voices))
        return {**facts, "rate": self.rate, "vocab": self.vocab}

    def fingerprint(self) -> str:
        return digest(*(self.clips[split].content.encode() for split in ("train", "valid")))

    def save(self, folder: Path) -> None:
        self.tokenizer.save(folder)

    def items(self, source: str | Path) -> Items:
        """A sound, or all sounds of a folder."""
        if isinstance(source, str):
            raise BadData(source, f"speech comes as a file ({', '.join(SOUNDS)}) or a folder of them, not as a text")
        self._check_bins()
        found = sorted(p for p in source.iterdir() if p.suffix.lower() in SOUNDS) if source.is_dir() else [source]
        if not found:
            raise BadData(source, f"there is no sound in the folder (looked for {' and '.join(SOUNDS)})")
        waves = [read_sound(file, self.rate) for file in found]
        for wave, file in zip(waves, found, strict=True):
            self._check_length(wave, file, None)
        return Items(SoundRows(waves, self.rate, self.bins), [file.name for file in found])

    def _check_bins(self) -> None:
        try:
            mel_filters(self.rate, window_and_hop(self.rate)[0], self.bins)
        except ValueError as error:
            raise BadData(self.path, f"data.bins at data.rate {self.rate}: {error}") from None

    def _check_length(self, wave: np.ndarray, path: Path, row: int | None) -> None:
        lasts = len(wave) / self.rate
        if lasts < SHORTEST:
            raise BadData(path, f"lasts {lasts:.3f} s, which is too short to hold speech", row=row)
        if lasts > self.seconds:
            message = f"lasts {lasts:.1f} s, at most {self.seconds:g} s are allowed: cut it, or raise data.seconds"
            raise BadData(path, message, row=row)


class SoundRows(Rows):
    """Sounds without transcripts. A key is the number of a sound."""

    def __init__(self, waves: Sequence[np.ndarray], rate: int, bins: int) -> None:
        self.waves, self.rate, self.bins = waves, rate, bins

    def __len__(self) -> int:
        return len(self.waves)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        return torch.arange(len(self)) if shuffle is None else torch.randperm(len(self), generator=shuffle)

    def batch(self, keys: Tensor) -> Batch:
        """source: [b bins frames]; source_valid: [b frames]; rows: [b]."""
        spectra = [log_mel(torch.from_numpy(self.waves[i]), self.rate, self.bins) for i in keys.tolist()]
        return {**side_by_side(spectra), "rows": keys}


class SpeechRows(Rows):
    """Clips with transcripts. A key is the number of a clip, the seed behind all that is drawn about it, and words.

    words: how many there are to be at least, by joining clips.
    """

    def __init__(self, data: Speech, clips: Clips, *, training: bool) -> None:
        self.clips, self.rate, self.bins, self.seconds = clips, data.rate, data.bins, data.seconds
        self.texts, self.length = clips.texts, data.length
        self.tokenizer = data.tokenizer
        self.augmentation = data.augmentation if training else NONE
        self.batch_size = min(data.batch_size, len(clips))
        most = data.join if training else 1
        self.joiner = Joiner(clips.voices, [len(text.split()) for text in clips.texts], most)
        special = self.tokenizer.special
        self.bos, self.eos, self.filler = special("<bos>"), special("<eos>"), special("<pad>")

    def __len__(self) -> int:
        return len(self.clips)

    def keys(self, shuffle: torch.Generator | None) -> Tensor:
        """In training, rows of as many words stand together, so that a batch has little padding."""
        own = torch.from_numpy(self.joiner.words)
        if shuffle is None:
            return torch.cat([seeded(torch.arange(len(self)), None), own[:, None]], dim=1)
        order = torch.randperm(len(self), generator=shuffle)
        wanted = torch.randint(1, self.joiner.most + 1, (len(self),), generator=shuffle)
        words = torch.maximum(own[order], wanted)
        # the rows that fill no batch are left out whatever their words
        whole = len(self) // self.batch_size
        even = words[: whole * self.batch_size].argsort(stable=True).reshape(whole, self.batch_size)
        even = even[torch.randperm(whole, generator=shuffle)].flatten()
        chosen = torch.cat([even, torch.arange(len(even), len(self))])
        return torch.cat([seeded(order[chosen], shuffle), words[chosen, None]], dim=1)

    def batch(self, keys: Tensor) -> Batch:
        """source: [b bins frames]; source_valid: [b frames]; tokens, targets, valid: [b n]; rows: [b]."""
        made = [self.row(*key) for key in keys.tolist()]
        targets, valid = pad([[*ids, self.eos] for _, ids in made], self.filler)
        tokens, _ = pad([[self.bos, *ids] for _, ids in made], self.filler)
        sound = side_by_side([spectrum for spectrum, _ in made])
        return {**sound, "tokens": tokens, "targets": targets, "valid": valid, "rows": keys[:, 0]}

    def row(self, clip: int, seed: int, words: int) -> tuple[Tensor, list[int]]:
        """The spectrogram [bins frames] and the tokens of a clip, of which `seed` draws everything."""
        random = np.random.default_rng(seed)
        chosen = self._fitting(self.joiner.follow(clip, words, random))
        wave = joined([self.clips.waves[i] for i in chosen], self.rate, random)
        if self.augmentation != NONE:
            wave = changed(wave, self.rate, self.augmentation, random)
        spectrum = log_mel(torch.from_numpy(wave), self.rate, self.bins)
        if self.augmentation != NONE:
            spectrum = masked(spectrum, self.augmentation, random)
        return spectrum, self.encode(" ".join(self.texts[i] for i in chosen))

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text.encode()).tolist()
        return ids

    def _fitting(self, chosen: list[int]) -> list[int]:
        """The first of the clips that together are short enough, in seconds and in tokens; always the first one."""
        for count in range(len(chosen), 1, -1):
            lasts = sum(len(self.clips.waves[i]) for i in chosen[:count]) / self.rate
            text = " ".join(self.texts[i] for i in chosen[:count])
            if lasts <= self.seconds and len(self.encode(text)) < self.length:
                return chosen[:count]
        return chosen[:1]


def side_by_side(spectra: Sequence[Tensor]) -> Batch:
    """Spectrograms [bins frames] padded to the longest: source [b bins frames], source_valid [b frames]."""
    lengths = torch.tensor([spectrum.shape[1] for spectrum in spectra])
    longest = int(lengths.max())
    source = torch.stack([torch.nn.functional.pad(s, (0, longest - s.shape[1])) for s in spectra])
    return {"source": source, "source_valid": torch.arange(longest) < lengths[:, None]}
