"""Corrupted windows: source and target together are the text; new in every pass, the same in every validation."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments.data import BadData, CorruptedText

PAD, BOS, EOS, SENTINELS = 256, 257, 258, 8
LAST = 256 + 3 + SENTINELS - 1
TEXT = "".join(f"the text goes on, number {i}. " for i in range(40))


def make(folder: Path, **options: Any) -> CorruptedText:
    for name in ("train", "valid"):
        (folder / f"{name}.txt").write_text(TEXT)
    files = {name: str(folder / f"{name}.txt") for name in ("train", "valid")}
    options = {"length": 40, "batch_size": 4, "sentinels": SENTINELS} | options
    return CorruptedText(0, **files, **options)


def restored(source: list[int], target: list[int]) -> list[int]:
    """The text behind a source and its target."""
    spans: dict[int, list[int]] = {}
    for token in target[: target.index(EOS)]:
        if token > EOS:
            spans[token] = []
        else:
            spans[next(reversed(spans))].append(token)
    text: list[int] = []
    for token in source[: source.index(EOS)]:
        text += spans[token] if token > EOS else [token]
    return text


def test_source_and_target_are_the_text(tmp_path: Path) -> None:
    data = make(tmp_path)
    assert data.vocab == data.source_vocab == LAST + 1
    *whole, last = data.eval_loader()
    text = b""
    for batch in whole:
        source, targets = batch["source"], batch["targets"]
        assert source.shape[1] == 40
        assert batch["source_valid"].all()
        assert batch["valid"].all()
        assert (batch["tokens"][:, 0] == BOS).all()
        assert torch.equal(batch["tokens"][:, 1:], targets[:, :-1])
        for read, written in zip(source.tolist(), targets.tolist(), strict=True):
            assert [t for t in read if t > EOS] == [LAST, LAST - 1]
            assert [t for t in written if t > EOS] == [LAST, LAST - 1]
            text += bytes(restored(read, written))
    # the last window is shorter, and a batch of its own
    text += bytes(restored(last["source"][0].tolist(), last["targets"][0].tolist()))
    assert TEXT.startswith(text.decode())
    assert len(text) == len(TEXT) - 1


def test_a_pass_is_drawn_anew_and_goes_on_where_it_was(tmp_path: Path) -> None:
    data = make(tmp_path)
    loader = data.train_loader()
    steps = len(loader) * 2
    batches = [batch for batch, _ in zip(loader, range(steps), strict=False)]
    again = make(tmp_path).train_loader()
    again.load_state_dict({"drawn": steps - 1})
    resumed = next(iter(again))
    assert all(torch.equal(resumed[name], batches[-1][name]) for name in resumed)
    assert len({str(batch["source"].tolist()) for batch in batches}) == steps
    one, other = list(data.eval_loader()), list(make(tmp_path).eval_loader())
    assert all(torch.equal(a[name], b[name]) for a, b in zip(one, other, strict=True) for name in a)


def test_lengths(tmp_path: Path) -> None:
    assert (make(tmp_path).window, make(tmp_path).length) == (44, 40)
    # more is written than read where most is dropped
    data = make(tmp_path, density=0.8, span=10.0, sentinels=20)
    assert data.length == next(iter(data.train_loader()))["tokens"].shape[1] > 40
    with pytest.raises(ValueError, match=r"a window has 2 spans but there are 1 sentinels: raise data.sentinels"):
        make(tmp_path, sentinels=1)


def test_new_texts(tmp_path: Path) -> None:
    data = make(tmp_path)
    items = data.items("a<mask>b<mask>")
    batch = items.rows.batch(torch.tensor([0]))
    assert batch["source"].tolist() == [[97, LAST, 98, LAST - 1, EOS]]
    assert set(batch) == {"source", "source_valid"}
    with pytest.raises(BadData, match=r"<mask>.*:1: 9 gaps, but there are 8 sentinels"):
        data.items("<mask>a" * 9)
    with pytest.raises(BadData, match="41 tokens, at most 39 fit"):
        data.items("b" * 41)


def test_facts(tmp_path: Path) -> None:
    data = make(tmp_path)
    assert data.about()["about"].startswith("corrupted text")
    assert data.splits() == ["train", "valid"]
    assert data.fingerprint() == make(tmp_path, density=0.3).fingerprint()
    with pytest.raises(BadData, match="too short"):
        make(tmp_path, length=2000, sentinels=200).prepare()


def test_reference(tmp_path: Path) -> None:
    data = make(tmp_path)
    told = [t for b in data.eval_loader() for t in b["targets"].flatten().tolist() if t < 256]
    common = max(set(TEXT), key=TEXT.count)
    commonest, unigram = data.references()
    assert commonest.metric == "valid/text_accuracy"
    assert commonest.value == pytest.approx(told.count(ord(common)) / len(told))
    train = data.text.rows("train")
    seen = [t for keys in train.batches(64) for t in train.batch(keys)["targets"].flatten().tolist()]
    chances = [(seen.count(token) + 1) / (len(seen) + 256) for token in told]
    assert unigram.metric == "valid/text_perplexity"
    assert unigram.value == pytest.approx(math.prod(p ** (-1 / len(told)) for p in chances))
