"""Tokenizers lose nothing, know how many bytes a token stands for, and are trained once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.data import BadData, BytePairs, Bytes, ParallelText, Text, Tokenizer
from experiments.data.tokenizers import SPECIALS, bpe

TEXTS = [
    "plain words, plain words",
    "caf\u00e9 \u4e2d\u6587 \U0001f98a\n\n  two  spaces\ttab\r\n",
    "",
    "<pad> is a word here",
]
TRAINING = [b"the cat sat on the mat, the cat sat\n" * 20, "caf\u00e9 caf\u00e9\n".encode() * 9]


def trained(vocab: int = 300, specials: int = 3) -> BytePairs:
    tokenizer = BytePairs(specials, vocab=vocab)
    tokenizer.fit(TRAINING)
    return tokenizer


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("make", [lambda: Bytes(3), trained])
def test_lossless(text: str, make: Any) -> None:
    tokenizer: Tokenizer = make()
    ids = tokenizer.encode(text.encode()).tolist()
    assert tokenizer.decode([*ids, tokenizer.special("<eos>")]) == text
    assert sum(tokenizer.sizes()[i] for i in ids) == len(text.encode())
    assert max(ids, default=0) < tokenizer.vocab - 3


def test_special_tokens_are_last() -> None:
    assert [Bytes(3).special(s) for s in SPECIALS] == [256, 257, 258]
    assert [trained().special(s) for s in SPECIALS] == [297, 298, 299]
    assert trained().sizes()[-3:] == [0, 0, 0]


def test_special_tokens_are_apart_from_the_merges() -> None:
    """With every place of the vocabulary taken, no piece of text has the id of a special token."""
    tokenizer = trained(vocab=270)
    assert all(tokenizer.sizes()[:267])
    assert max(tokenizer.encode(TRAINING[0]).tolist()) < 267
    assert tokenizer.decode([267, 268, 104, 269]) == tokenizer.decode([104])


def test_merges_make_text_shorter() -> None:
    assert len(trained().encode(TRAINING[0])) < len(TRAINING[0]) / 2


def test_trained_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = trained()

    def never(*args: Any) -> None:
        raise AssertionError("trained again")

    with monkeypatch.context() as patch:
        patch.setattr(bpe, "train", never)
        assert trained().encode(TRAINING[0]).tolist() == first.encode(TRAINING[0]).tolist()
        with pytest.raises(AssertionError):
            trained(vocab=301)
    (cached,) = Path(tmp_path / "cache").rglob("*.json")
    before = cached.read_text()
    # a file that was cut short, and one that still is a tokenizer, but another
    for damaged in (before[:-20], before.replace("Ġcat", "Ġdog")):
        assert damaged != before
        cached.write_text(damaged)
        trained()
        assert cached.read_text() == before


def test_saved_with_the_run(tmp_path: Path) -> None:
    first, second = trained(), BytePairs(3, vocab=300)
    assert not second.load(tmp_path)
    with pytest.raises(RuntimeError, match="not trained"):
        second.encode(b"x")
    first.save(tmp_path)
    assert second.load(tmp_path)
    assert second.encode(TRAINING[1]).tolist() == first.encode(TRAINING[1]).tolist()


def test_data_with_byte_pairs(tmp_path: Path) -> None:
    def pairs(specials: int) -> BytePairs:
        return BytePairs(specials, vocab=400)

    data = Text(0, tokenizer=pairs, length=32)
    data.prepare()
    targets = sum(int(data.sizes()[b["targets"]].sum()) for b in data.eval_loader())
    first = int(data.rows("valid").batch(data.rows("valid").keys(None)[:1])["tokens"][0, 0])
    assert targets == data.about()["valid_bytes"] - int(data.sizes()[first])
    data.save(tmp_path)
    assert (tmp_path / "tokenizer.json").is_file()
    data = ParallelText(0, tokenizer=pairs)
    assert (data.length, data.source_vocab, data.vocab) == (256, 400, 400)


def test_byte_pairs_need_utf8(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"abc\n\xff\n" * 50)
    with pytest.raises(BadData, match=r"t.txt:2: not UTF-8"):
        Text(0, train=str(tmp_path / "t.txt"), tokenizer=lambda specials: BytePairs(specials, vocab=300)).prepare()
