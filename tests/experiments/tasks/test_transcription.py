"""Transcription: the loss by hand, plain greedy decoding, word error rates that are jiwer's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from scipy.io import wavfile
from torch import Tensor

from blocks.embedding import AudioEmbedding
from blocks.topology import EncoderDecoder
from blocks.topology.encoder_decoder import EncoderSide
from experiments.data import Speech
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import Transcription
from experiments.tasks.transcription import word_errors
from registry import Builder

BOS, EOS = 257, 258


@pytest.fixture
def task(tmp_path: Path) -> Transcription:
    """An untrained model, its weights large enough for different answers to different sounds."""
    lines = ["split\tname\ttext"]
    for split in ("train", "valid"):
        for i, text in enumerate(["ab", "c d", "a"]):
            times = np.arange(1600 + 800 * i) / 8000
            wavfile.write(tmp_path / f"{split}{i}.wav", 8000, np.sin(2000 * (i + 1) * times).astype(np.float32))
            lines.append(f"{split}\t{split}{i}\t{text}")
    (tmp_path / "transcripts.tsv").write_text("\n".join(lines) + "\n")
    data = Speech(0, path=str(tmp_path), bins=20, length=6, batch_size=2)
    torch.manual_seed(1)
    encoder = EncoderSide(embedding=Builder(AudioEmbedding, {"bins": 20}))
    model = EncoderDecoder(dim=16, layers=1, heads=2, vocab=data.vocab, encoder=encoder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return Transcription(model.eval(), data, AdamW(), Constant(), label_smoothing=0.1)


def double(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in batch.items()}


def batches(task: Transcription) -> list[dict[str, Tensor]]:
    return [double(batch) for batch in task.data.eval_loader()]


def greedy(task: Transcription, source: Tensor) -> list[int]:
    """The plain form: one row without padding, the whole prefix again for each token."""
    ids = [BOS]
    while len(ids) <= 6 and ids[-1] != EOS:
        ids.append(int(task.model(torch.tensor([ids]), source=source[None])[0, -1].argmax()))
    return ids[1:]


def test_loss_by_hand(task: Transcription) -> None:
    batch = batches(task)[0]
    logp = task.logits(batch).detach().log_softmax(-1)
    each = [
        float(-0.9 * logp[b, n, batch["targets"][b, n]] - 0.1 * logp[b, n].mean())
        for b, n in batch["valid"].nonzero().tolist()
    ]
    assert float(task.loss(batch).detach()) == pytest.approx(sum(each) / len(each))
    assert task.count(batch) == len(each) == 3 + 4
    plain = -sum(float(logp[b, n, batch["targets"][b, n]]) for b, n in batch["valid"].nonzero().tolist())
    assert float(task.measure(batch)["nats"].detach()) == pytest.approx(plain)


def test_transcripts_are_those_of_plain_greedy_decoding(task: Transcription) -> None:
    found, plain = [], []
    for batch in batches(task):
        found += task.transcripts(batch)
        for row, valid in zip(batch["source"], batch["source_valid"], strict=True):
            plain.append(task.speech.tokenizer.decode(i for i in greedy(task, row[:, valid]) if i != EOS))
    assert found == plain
    assert len(set(plain)) > 1


def test_the_whole_split_is_written_down(task: Transcription) -> None:
    task.begin("valid")
    with torch.no_grad():
        for i, batch in enumerate(batches(task)):
            task.add(batch, i)
    assert [said for _, said in task.written] == ["ab", "c d", "a"]
    metrics = task.summarise({name: float(value) for name, value in task._sums.items()})
    assert set(metrics) == {"loss", "wer", "wer_strings", "exact"}
    texts, said = [list(side) for side in zip(*task.written, strict=True)]
    assert metrics["wer"] == jiwer.wer(said, texts)


def test_word_errors_by_hand() -> None:
    written = [("one two", "one two"), ("one four five", "one three"), ("", "six"), ("nine", "nine")]
    found = word_errors(written)
    # a substitution, an insertion and a deletion among six words
    assert found == pytest.approx({"exact": 0.5, "wer": 3 / 6, "wer_strings": 2 / 4})
    assert word_errors([("a", "a")]) == {"exact": 1.0, "wer": 0.0}


def test_beams_write_at_least_as_likely_texts(task: Transcription) -> None:
    batch = batches(task)[0]
    plain = task.transcripts(batch)
    task.beams = 4
    assert len(task.transcripts(batch)) == len(plain)


def test_answers_to_new_recordings(task: Transcription, tmp_path: Path) -> None:
    items = task.speech.items(tmp_path / "valid0.wav")
    batch = double(items.rows.batch(items.rows.keys(None)))
    [answer] = task.answers(batch)
    assert answer == {"text": task.transcripts(batches(task)[0])[0]}
    figure = task.figure(batch, 0, {"text": "a$b"})
    assert isinstance(figure, Figure)
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["a", "$", "b", "end"]
    figure.canvas.draw()


def test_ranks_write_down_the_split_together(task: Transcription, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.ranks import Ranks

    gathered: Any = [[("a", "a"), ("b c", "b d")], [("e", "f")]]
    monkeypatch.setattr(Ranks, "gather", lambda self, value: gathered)
    found = task.summarise({"nats": 4.0, "tokens": 2.0})
    assert found == pytest.approx({"loss": 2.0, "wer": 2 / 4, "wer_strings": 1 / 2, "exact": 1 / 3})
