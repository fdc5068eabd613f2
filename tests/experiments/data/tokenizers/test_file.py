"""A tokenizer.json of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers import Tokenizer as Inner

from experiments.data import BadData, LabelledText
from experiments.data.tokenizers import SPECIALS, FromFile

TRAINING = ["the cat sat on the mat, the cat sat", "caf\u00e9 caf\u00e9"] * 9


def bert(folder: Path) -> Path:
    """As BERT's: special tokens first, put around each text by a post-processor."""
    inner = Inner(models.WordPiece(unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    inner.train_from_iterator(
        TRAINING, trainers.WordPieceTrainer(vocab_size=60, special_tokens=special, show_progress=False)
    )
    inner.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    inner.enable_truncation(3)
    inner.enable_padding()
    inner.save(str(folder / "bert.json"))
    return folder / "bert.json"


def gpt(folder: Path) -> Path:
    """As GPT-2's: strings of bytes, and one special token behind them."""
    inner = Inner(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        TRAINING, trainers.BpeTrainer(vocab_size=280, initial_alphabet=alphabet, show_progress=False)
    )
    inner.add_special_tokens([AddedToken("<|endoftext|>", special=True)])
    inner.save(str(folder / "gpt.json"))
    return folder / "gpt.json"


def test_special_tokens_are_found_by_their_usual_names(tmp_path: Path) -> None:
    tokenizer = FromFile((*SPECIALS, "<mask>"), path=str(bert(tmp_path)))
    size = Inner.from_file(str(tmp_path / "bert.json")).get_vocab_size()
    assert [tokenizer.special(name) for name in (*SPECIALS, "<mask>")] == [0, 2, 3, 4]
    assert (tokenizer.vocab, tokenizer.specials) == (size, 0)
    assert tokenizer.special_ids()[1] == "[UNK]"
    assert tokenizer.pieces([0, 2]) == [None, None]


def test_the_others_are_added_behind(tmp_path: Path) -> None:
    tokenizer = FromFile(3, path=str(gpt(tmp_path)))
    size = Inner.from_file(str(tmp_path / "gpt.json")).get_vocab_size()
    assert [tokenizer.special(name) for name in SPECIALS] == [size, size + 1, size - 1]
    assert (tokenizer.vocab, tokenizer.specials) == (size + 2, 2)
    assert len(tokenizer.sizes()) == size + 2


def test_text_stays_text(tmp_path: Path) -> None:
    """Neither cut, nor padded, nor with special tokens around it, nor with any from its words."""
    tokenizer = FromFile(3, path=str(bert(tmp_path)))
    ids = tokenizer.encode(b"the cat sat on the mat [SEP]").tolist()
    assert tokenizer.decode(ids).startswith("the cat sat on the mat") and not {0, 2, 3} & set(ids)
    assert tokenizer.decode([2, *ids, 3]) == tokenizer.decode(ids)


def test_bytes_are_told_only_where_they_are_known(tmp_path: Path) -> None:
    lossless, lossy = FromFile(3, path=str(gpt(tmp_path))), FromFile(3, path=str(bert(tmp_path)))
    text = "caf\u00e9 \U0001f98a the <|endoftext|> cat\n"
    ids = lossless.encode(text.encode()).tolist()
    assert lossless.decode(ids) == text
    assert sum(lossless.sizes()[i] for i in ids) == len(text.encode())
    assert b"".join(piece or b"" for piece in lossless.pieces(ids)).decode() == text
    assert not any(lossy.sizes())


def test_a_run_needs_the_file_no_more(tmp_path: Path) -> None:
    path = gpt(tmp_path)
    first = FromFile(3, path=str(path))
    (tmp_path / "run").mkdir()
    first.save(tmp_path / "run")
    path.unlink()
    second = FromFile(3, path=str(path))
    assert second.load(tmp_path / "run") and not FromFile(3, path=str(path)).load(tmp_path)
    assert second.encode(b"the cat").tolist() == first.encode(b"the cat").tolist()
    with pytest.raises(BadData, match=r"gpt.json: there is no such file"):
        FromFile(3, path=str(path)).encode(b"x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "no tokenizer.json of the library tokenizers: "),
        ("no json", "no tokenizer.json of the library tokenizers: "),
        ("", "the file is empty"),
        (Inner(models.BPE()).to_str(), "a tokenizer without any token"),
    ],
)
def test_bad_files(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(BadData) as error:
        FromFile(3, path=str(tmp_path / "t.json")).fit([])
    assert f"t.json: {message}" in str(error.value)


def test_data_with_it(tmp_path: Path) -> None:
    path = str(bert(tmp_path))

    def make(specials: Any) -> FromFile:
        return FromFile(specials, path=path)

    data = LabelledText(0, tokenizer=make)
    (batch, *_) = data.eval_loader()
    assert batch["tokens"][:, 0].tolist() == [2] * 32
    assert not batch["tokens"][~batch["valid"]].any()
