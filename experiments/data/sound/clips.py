"""Recordings with what is said in them: the clips of a split, from an archive or from a folder."""

from __future__ import annotations

import csv
import functools
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from experiments.data.content import read_bytes, read_text
from experiments.data.digest import digest
from experiments.data.errors import BadData
from experiments.data.sound.reading import SOUNDS, heard, read_sound, resampled
from registry.errors import did_you_mean

SPLITS = ("train", "valid", "test")
TRANSCRIPTS = "transcripts.tsv"


@dataclass
class Clips:
    """Clips side by side. waves: float32 [n] each; texts: what is said; voices: who says it, a number for each.

    path: where they are from; rows: where each stands there, for messages. content: a hash of sound and text.
    """

    path: Path
    waves: list[np.ndarray] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    voices: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.waves)

    @functools.cached_property
    def content(self) -> str:
        return digest(*(wave.tobytes() for wave in self.waves), "\n".join([*self.texts, *self.voices]).encode())


def read_clips(path: Path, rate: int) -> Mapping[str, Clips]:
    """The clips of every split in a folder or an archive, by its name.

    A folder holds sounds and `transcripts.tsv` with the columns name and text, and perhaps split and voice; without
    splits, a tenth of the clips each is valid and test, chosen by the hash of the name. An archive
    (.npz, .npz.xz) holds for each split audio_SPLIT (uint8, mu-law, all clips one after the other), offset_SPLIT (clip
    i is offset[i] to offset[i + 1]), text_SPLIT and perhaps speaker_SPLIT, and `rate`. Raises BadData.
    """
    found = _folder(path, rate) if path.is_dir() else _archive(path, rate)
    if not any(map(len, found.values())):
        raise BadData(path, "there is not one clip")
    return found


def drawn_split(name: str) -> str:
    """The split of a clip where nobody says it: always the same one for the same name."""
    share = zlib.crc32(name.encode()) % 10
    return {0: "valid", 1: "test"}.get(share, "train")


def expanded(codes: np.ndarray) -> np.ndarray:
    """Mu-law codes as samples between -1 and 1: sign(y) (256^|y| - 1) / 255 with y = 2 code / 255 - 1. uint8 [n]."""
    y = 2.0 * codes.astype(np.float32) / 255.0 - 1.0
    samples: np.ndarray = np.sign(y) * np.expm1(np.abs(y) * np.log(np.float32(256))) / 255.0
    return samples.astype(np.float32)


def _archive(path: Path, rate: int) -> Mapping[str, Clips]:
    found = _arrays(path)
    if "rate" not in found:
        raise BadData(path, f"no array 'rate'; there are {', '.join(found) or 'none'}")
    if found["rate"].size != 1 or not 1000 <= int(found["rate"].flat[0]) <= 768_000:
        raise BadData(path, f"'rate' has to be one number, of samples a second, not {found['rate'].tolist()}")
    own = int(found["rate"].flat[0])
    splits = [split for split in SPLITS if f"audio_{split}" in found]
    if not splits:
        raise BadData(path, f"no array 'audio_train', 'audio_valid' or 'audio_test'; there are {', '.join(found)}")
    return {split: _unpacked(path, split, found, own, rate) for split in splits}


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise BadData(path, f"not an archive of arrays (.npz), or damaged: {error}") from None


def _unpacked(path: Path, split: str, found: Mapping[str, np.ndarray], own: int, rate: int) -> Clips:
    names = [f"{name}_{split}" for name in ("offset", "text")]
    for name in names:
        if name not in found:
            raise BadData(path, f"no array '{name}'.{did_you_mean(name, list(found))}")
    audio, (offsets, texts) = found[f"audio_{split}"], (found[name] for name in names)
    if audio.dtype != np.uint8 or audio.ndim != 1:
        raise BadData(path, f"'audio_{split}' has to be mu-law, uint8 [n], not {audio.dtype} {list(audio.shape)}")
    voices = found.get(f"speaker_{split}", np.full(len(texts), ""))
    if len(offsets) != len(texts) + 1 or len(voices) != len(texts):
        sizes = f"{len(offsets)} offsets, {len(texts)} texts and {len(voices)} speakers"
        raise BadData(path, f"{split}: {sizes} do not go together: one offset more than texts is wanted")
    steps = np.diff(offsets.astype(np.int64))
    if (steps < 0).any() or int(offsets[0]) < 0 or int(offsets[-1]) > len(audio):
        raise BadData(path, f"'offset_{split}' does not rise from 0 to at most {len(audio)}")
    clips = Clips(path)
    for row, text in enumerate(texts.tolist()):
        where = f"{path} ({split})"
        samples = expanded(audio[int(offsets[row]) : int(offsets[row + 1])])
        _add(clips, resampled(heard(samples, where, row), own, rate), text, str(voices[row]), row, where)
    return clips


def _folder(path: Path, rate: int) -> Mapping[str, Clips]:
    listed = path / TRANSCRIPTS
    found: dict[str, Clips] = {}
    for row, cells in _listed(listed):
        split, sound = cells.get("split", drawn_split(cells["name"])), _sound(path, cells["name"], listed, row)
        if split not in SPLITS:
            raise BadData(listed, f"split '{split}' is none of {', '.join(SPLITS)}", row=row)
        clips = found.setdefault(split, Clips(listed))
        _add(clips, read_sound(sound, rate), cells["text"], cells.get("voice", ""), row, listed)
    return found


def _listed(path: Path) -> Sequence[tuple[int, dict[str, Any]]]:
    """The lines of a list of transcripts, by the names of its columns."""
    lines = list(csv.reader(io.StringIO(read_text(path)), delimiter="\t", quoting=csv.QUOTE_NONE))
    header = lines[0]
    for name in ("name", "text"):
        if name not in header:
            about = f"no column '{name}'; its columns, named by the first row, are {', '.join(header)}"
            raise BadData(path, about, row=1)
    found = []
    for row, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise BadData(path, f"{len(cells)} columns where the header has {len(header)}", row=row)
        found.append((row, dict(zip(header, cells, strict=True))))
    return found


def _sound(folder: Path, name: str, listed: Path, row: int) -> Path:
    for ending in ("", *SOUNDS):
        if (there := folder / f"{name}{ending}").is_file():
            return there
    raise BadData(listed, f"there is no sound '{name}' in the folder (looked for {' and '.join(SOUNDS)})", row=row)


def _add(clips: Clips, wave: np.ndarray, text: str, voice: str, row: int, path: Path | str) -> None:
    if not text.strip():
        raise BadData(path, "the transcript is empty", row=row)
    clips.waves.append(wave)
    clips.texts.append(" ".join(text.split()))
    clips.voices.append(voice)
    clips.rows.append(row)
