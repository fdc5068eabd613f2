"""The nearest clip: one that is in training says what it said there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import wavfile

from benchmarks.recipes.baselines.speech import references
from experiments.data import Speech


def test_the_nearest_clip(tmp_path: Path) -> None:
    lines = ["split\tname\ttext"]
    said = {
        "train": [("low", 300), ("high up", 900)],
        "valid": [("low", 300)],
        "test": [("low", 310), ("high down", 880)],
    }
    for split, clips in said.items():
        for i, (text, pitch) in enumerate(clips):
            wave = np.sin(2 * np.pi * pitch * np.arange(3000 + 500 * i) / 8000).astype(np.float32)
            wavfile.write(tmp_path / f"{split}{i}.wav", 8000, wave)
            lines.append(f"{split}\t{split}{i}\t{text}")
    (tmp_path / "transcripts.tsv").write_text("\n".join(lines))
    found = {r.metric: r.value for r in references(Speech(0, path=str(tmp_path)))}
    assert found == {"test/wer": 1 / 3, "test/wer_strings": 1 / 2}
