"""From text to ids and to words: of runs, of tokenizer files, of plain numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from experiments.attention_maps.vocabulary import FileVocabulary, Numbers, RunVocabulary, vocabulary_in
from experiments.data import LabelledText, ParallelText, Text

TEXTS = ["the cat sat on the mat, caf\u00e9 " * 20]


def byte_pairs(folder: Path) -> Path:
    """As GPT-2's: byte-level, with one special token."""
    inner = tokenizers.Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=280,
        show_progress=False,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    inner.train_from_iterator(TEXTS, trainer)
    return save(inner, folder)


def word_pieces(folder: Path, names: tuple[str, ...] = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")) -> Path:
    """As BERT's: pieces of words, special tokens around a text."""
    inner = tokenizers.Tokenizer(models.WordPiece(unk_token=names[1]))
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=30, show_progress=False, special_tokens=list(names))
    inner.train_from_iterator(TEXTS, trainer)
    around = [(name, inner.token_to_id(name)) for name in names[2:]]
    inner.post_processor = processors.TemplateProcessing(single=f"{names[2]} $A {names[3]}", special_tokens=around)
    return save(inner, folder)


def save(inner: Any, folder: Path) -> Path:
    inner.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def shown(vocabulary: Any, ids: list[int]) -> list[str]:
    return [word.text for word in vocabulary.words(ids)]


def test_byte_level_words_are_text(tmp_path: Path) -> None:
    vocabulary = FileVocabulary(byte_pairs(tmp_path))
    ids = vocabulary.source("the cat \u4e2d")
    assert shown(vocabulary, [*ids, 0]) == [
        *["the", "\u2423cat", "\u2423"],
        *["\u4e2d\u2081", "\u4e2d\u2082", "\u4e2d\u2083"],
        "<|endoftext|>",
    ]
    assert [word.special for word in vocabulary.words([ids[0], 0])] == [False, True]
    assert vocabulary.start is None


def test_special_tokens_stand_around_a_source_and_not_around_a_target(tmp_path: Path) -> None:
    vocabulary = FileVocabulary(word_pieces(tmp_path), start="[PAD]")
    words = vocabulary.words(vocabulary.source("the cat"))
    assert [word.text for word in (words[0], words[-1])] == ["[CLS]", "[SEP]"]
    assert [word.special for word in words] == [True, *[False] * (len(words) - 2), True]
    assert shown(vocabulary, vocabulary.target("the"))[:2] == ["[PAD]", "the"]


def test_how_a_target_begins_and_ends(tmp_path: Path) -> None:
    path = word_pieces(tmp_path, ("<pad>", "<unk>", "<s>", "</s>"))
    known = FileVocabulary(path)
    assert (known.start, known.stop) == ([2], 3)
    (tmp_path / "config.json").write_text(json.dumps({"decoder_start_token_id": 0, "eos_token_id": 1}))
    told = FileVocabulary(path)
    assert (told.start, told.stop) == ([0], 1)
    assert FileVocabulary(path, start="5").start == [5]
    with pytest.raises(ValueError, match="has no token 'begin'"):
        FileVocabulary(path, start="begin")
    (tmp_path / "config.json").write_text("no JSON")
    assert FileVocabulary(path).start == [2]


def test_padding_and_truncation_of_the_file_are_off(tmp_path: Path) -> None:
    inner = tokenizers.Tokenizer.from_file(str(byte_pairs(tmp_path)))
    inner.enable_padding(length=50)
    inner.enable_truncation(2)
    assert len(FileVocabulary(save(inner, tmp_path)).source("the cat sat")) == 3


def test_a_file_that_is_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="cannot be read as a tokenizer"):
        vocabulary_in(tmp_path)


def test_numbers_where_there_is_no_tokenizer(tmp_path: Path) -> None:
    vocabulary = vocabulary_in(tmp_path, start="0")
    assert isinstance(vocabulary, Numbers)
    assert vocabulary.source("12, 7  300") == vocabulary.target("12 7 300") == [12, 7, 300]
    assert shown(vocabulary, [12, 7]) == ["12", "7"]
    assert vocabulary.start == [0]
    with pytest.raises(ValueError, match=r'no tokenizer.json, so give token ids, such as "12 7 300"'):
        vocabulary.source("the cat")


def test_runs_read_a_text_as_in_their_training() -> None:
    words = {kind: RunVocabulary(kind()) for kind in (Text, LabelledText, ParallelText)}
    assert shown(words[Text], words[Text].source("a b")) == ["a", "\u2423", "b"]
    assert shown(words[LabelledText], words[LabelledText].source("a")) == ["<bos>", "a"]
    pairs = words[ParallelText]
    assert shown(pairs, pairs.source("a")) == ["a", "<eos>"]
    assert shown(pairs, pairs.target("a")) == ["<bos>", "a"]
    assert (pairs.start, pairs.stop) == ([257], 258)
    with pytest.raises(ValueError, match="not UTF-8"):
        pairs.source("\udcff")
