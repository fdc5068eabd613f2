"""What every kind of tokenizer promises, and what sets each apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.data import BytePairs, Bytes, LabelledText, Text, Tokenizer
from experiments.data.tokenizers import SPECIALS, Characters, Unigram, WordPiece, Words, special_names

TRAINING = [b"The cat sat on the mat, the other cat sat. " * 20, "Caf\u00e9 caf\u00e9 cats\n".encode() * 9]
TEXT = "the cat sat, caf\u00e9\n"
NAMES = (*SPECIALS, "<mask>")
KINDS: dict[str, Callable[[Any], Tokenizer]] = {
    "bytes": Bytes,
    "bpe": lambda specials: BytePairs(specials, vocab=300),
    "unigram": lambda specials: Unigram(specials, vocab=300),
    "characters": lambda specials: Characters(specials, vocab=40),
    "words": lambda specials: Words(specials, vocab=30),
    "wordpiece": lambda specials: WordPiece(specials, vocab=80),
}
LOSSLESS = ("bytes", "bpe", "unigram")


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest) -> tuple[str, Tokenizer]:
    tokenizer = KINDS[request.param](NAMES)
    tokenizer.fit(TRAINING)
    return request.param, tokenizer


def test_special_tokens_come_last(made: tuple[str, Tokenizer]) -> None:
    _, tokenizer = made
    first = tokenizer.vocab - len(NAMES)
    assert tokenizer.specials == 4
    assert [tokenizer.special(name) for name in NAMES] == [first, first + 1, first + 2, first + 3]
    assert {tokenizer.special_ids()[first + i] for i in range(4)} == set(NAMES)
    ids = tokenizer.encode(" ".join([TEXT, *NAMES, "<unk> [UNK]"]).encode()).tolist()
    assert max(ids) < first and min(ids) >= 0
    assert tokenizer.pieces([first + 3]) == [None] and tokenizer.sizes()[first:] == [0] * 4
    with pytest.raises(ValueError, match="no special token <sep>: there are <pad>, <bos>, <eos>, <mask>"):
        tokenizer.special("<sep>")


def test_what_can_be_had_back(made: tuple[str, Tokenizer]) -> None:
    """Bytes are told only where the text can be had back from the tokens."""
    kind, tokenizer = made
    ids = tokenizer.encode(TEXT.encode()).tolist()
    if kind in LOSSLESS:
        new = "caf\u00e9 \u4e2d\u6587 \U0001f98a\n\n  two  spaces\ttab\r\n <pad>"
        assert tokenizer.decode(tokenizer.encode(new.encode())) == new
        assert sum(tokenizer.sizes()[i] for i in ids) == len(TEXT.encode())
        assert b"".join(piece or b"" for piece in tokenizer.pieces(ids)).decode() == TEXT
    else:
        assert not any(tokenizer.sizes()) and len(tokenizer.sizes()) == tokenizer.vocab
    assert tokenizer.decode([*ids, tokenizer.special("<eos>")]) == tokenizer.decode(ids)


def test_saved_and_taken_back(made: tuple[str, Tokenizer], tmp_path: Path) -> None:
    kind, tokenizer = made
    tokenizer.save(tmp_path)
    again = KINDS[kind](NAMES)
    assert again.load(tmp_path)
    assert again.encode(TEXT.encode()).tolist() == tokenizer.encode(TEXT.encode()).tolist()
    assert again.identity() == tokenizer.identity()
    if kind != "bytes":
        with pytest.raises(RuntimeError, match="not trained"):
            KINDS[kind](NAMES).identity()
        assert not KINDS[kind](NAMES).load(tmp_path / "elsewhere")


def test_names_of_special_tokens() -> None:
    assert special_names(0) == () and special_names(2) == ("<pad>", "<bos>")
    assert special_names(5) == (*SPECIALS, "<extra_id_0>", "<extra_id_1>")
    assert special_names(("<eos>",)) == ("<eos>",)
    assert Bytes(("<eos>",)).special("<eos>") == 256


def test_characters() -> None:
    tokenizer = Characters(3, vocab=40)
    tokenizer.fit(TRAINING)
    assert tokenizer.decode(tokenizer.encode(TEXT.encode())) == TEXT
    ids = tokenizer.encode("cat\u4e2d\U0001f98a!".encode()).tolist()
    assert ids[3:] == [0, 0, 0] and 0 not in ids[:3]
    assert tokenizer.pieces(ids[2:4]) == [b"t", None] and tokenizer.decode(ids) == "cat"
    few = Characters(3, vocab=8)
    few.fit(TRAINING)
    counts = Counter(char for text in TRAINING for char in text.decode())
    kept, rest = [counts[few.decode([i])] for i in range(1, 5)], sorted(counts.values(), reverse=True)
    assert sorted(kept, reverse=True) == rest[:4]


def test_words() -> None:
    tokenizer = Words(3, vocab=9)
    tokenizer.fit(TRAINING)
    # six places, of which one is <unk>
    assert tokenizer.decode(tokenizer.encode(b"the  cat\nsat .. zebra")) == "the cat sat"
    assert tokenizer.encode(b"zebra").tolist() == [0]
    lower = Words(0, vocab=30, lower=True)
    lower.fit(TRAINING)
    assert lower.encode(b"THE Cat").tolist() == lower.encode(b"the cat").tolist() != [0, 0]


def test_wordpiece() -> None:
    tokenizer = WordPiece(3, vocab=80)
    tokenizer.fit(TRAINING)
    ids = tokenizer.encode(b"cats sat.")
    assert b"".join(piece or b"" for piece in tokenizer.pieces(ids)).replace(b"##", b"") == b"catssat."
    assert tokenizer.decode(ids) == "cats sat."
    assert tokenizer.encode(b"\xf0\x9f\xa6\x8a").tolist() == [0]
    lower = WordPiece(0, vocab=80, lower=True)
    lower.fit(TRAINING)
    assert lower.decode(lower.encode("CAF\u00c9".encode())) == "cafe"


def test_a_vocabulary_is_never_larger_than_asked() -> None:
    """Not even with more different characters than places."""
    text = "".join(chr(0x4E00 + i) + ("\n" if i % 7 == 0 else " ") for i in range(2000)).encode()
    for make in KINDS.values():
        tokenizer = make(3)
        tokenizer.fit([text])
        assert max(tokenizer.encode(text).tolist()) < tokenizer.vocab - 3


@pytest.mark.parametrize("kind", ["characters", "words", "wordpiece", "unigram"])
def test_data_with_it(kind: str, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(b"".join(TRAINING))
    data = Text(0, train=str(tmp_path / "text.txt"), tokenizer=KINDS[kind], length=16)
    data.prepare()
    # bits per byte are compared only where there are some
    assert bool(data.references()) == (kind == "unigram")
    batch = next(iter(data.train_loader()))
    assert int(batch["tokens"].max()) < data.tokenizer.vocab
    (tmp_path / "t.tsv").write_text("label\ttext\na\tthe cat sat\nb\tthe mat\n")
    labelled = LabelledText(0, train=str(tmp_path / "t.tsv"), valid=str(tmp_path / "t.tsv"), tokenizer=KINDS[kind])
    labelled.prepare()
    labelled.save(tmp_path)
    assert (tmp_path / "tokenizer.json").is_file()
