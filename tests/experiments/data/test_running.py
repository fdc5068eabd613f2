"""Running text from folders, tables and files of tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from experiments.data import BadData, BytePairs, Text
from experiments.data.running import Running, read_running


def ids(folder: Path, name: str, numbers: Any) -> str:
    np.save(folder / name, np.asarray(numbers))
    return str(folder / name)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64", ">i4"])
def test_tokens_stay_on_disk(dtype: str, tmp_path: Path) -> None:
    path = ids(tmp_path, "t.npy", (np.arange(100) % 250).astype(dtype))
    data = Text(0, train=path, valid=path, length=8)
    batch = next(iter(data.train_loader()))
    assert torch.equal(batch["targets"], batch["tokens"] + 1) and batch["tokens"].dtype == torch.long
    found = read_running(Path(path), "text", True).ids
    assert isinstance(found, np.memmap) and found.dtype.isnative
    assert (data.about()["train_tokens"], data.references()) == (100, [])
    other = ids(tmp_path, "o.npy", np.arange(100).astype(dtype)[::-1])
    assert data.fingerprint() == Text(1, train=path, valid=path, length=9).fingerprint()
    assert data.fingerprint() != Text(0, train=other, valid=path, length=8).fingerprint()


def test_writing_into_them_changes_no_file(tmp_path: Path) -> None:
    path = Path(ids(tmp_path, "t.npy", np.arange(9)))
    before = path.read_bytes()
    torch.from_numpy(read_running(path, "text", True).ids)[0] = 5
    assert path.read_bytes() == before


def test_the_last_tenth_of_the_tokens(tmp_path: Path) -> None:
    data = Text(0, train=ids(tmp_path, "t.npy", np.arange(200)), length=8)
    assert (data.about()["train_tokens"], data.about()["valid_tokens"]) == (180, 20)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (np.array([1, 2, 256] * 9), "t.npy:3: token id 256, but the tokenizer has 256 tokens, numbered from 0"),
        (np.array([1, -1] * 9), "t.npy:2: token id -1, but"),
        (np.zeros((2, 9), dtype=int), "t.npy: token ids are one axis of whole numbers, not 2 axes of int64"),
        (np.zeros(9), "t.npy: token ids are one axis of whole numbers, not 1 axes of float64"),
        (np.zeros(0, dtype=int), "t.npy: the file is empty"),
        (np.zeros(8, dtype=int), "t.npy: too short: 8 tokens, at least 9 are needed for length 8"),
    ],
)
def test_bad_tokens(numbers: np.ndarray, message: str, tmp_path: Path) -> None:
    path = ids(tmp_path, "t.npy", numbers)
    with pytest.raises(BadData) as error:
        Text(0, train=path, valid=path, length=8).prepare()
    assert message in str(error.value)


def test_tokens_that_no_tokenizer_can_learn_from(tmp_path: Path) -> None:
    path = ids(tmp_path, "t.npy", np.arange(100))
    with pytest.raises(BadData, match=r"t.npy: holds tokens, so no tokenizer can learn from it"):
        Text(0, train=path, valid=path, tokenizer=lambda specials: BytePairs(specials, vocab=300)).prepare()


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00v\x00{'descr'"])
def test_damaged_tokens(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.npy").write_bytes(content)
    with pytest.raises(BadData, match=r"t.npy: no .npy file of numbers, or damaged"):
        Text(0, train=str(tmp_path / "t.npy")).prepare()
    with pytest.raises(BadData, match=r"n.npy: there is no such file"):
        Text(0, train=str(tmp_path / "n.npy")).prepare()


def test_a_folder_and_a_table(tmp_path: Path) -> None:
    texts = ["first text\n", "second\n\nwith two parts", "third"]
    (tmp_path / "folder").mkdir()
    for name, text in zip("abc", texts, strict=True):
        (tmp_path / "folder" / f"{name}.txt").write_text(text)
    (tmp_path / "folder" / "notes.md").write_text("not read")
    table = tmp_path / "t.jsonl"
    table.write_text("".join(json.dumps({"story": text}) + "\n" for text in texts))
    whole = "\n\n".join(texts).encode()
    folder = Text(0, train=str(tmp_path / "folder"), valid=str(table), column="story", length=4)
    assert folder.raw("train") == whole == folder.raw("valid")
    with pytest.raises(BadData, match=r"t.jsonl:1: no column 'text'; the keys of this object are story"):
        Text(0, train=str(table)).prepare()
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadData, match="there is no text in the folder"):
        Text(0, train=str(tmp_path / "empty")).prepare()
    (tmp_path / "folder" / "d.txt").write_text("")
    with pytest.raises(BadData, match=r"d.txt: the file is empty"):
        folder.prepare()


def test_documents_end_at_blank_lines_or_a_line_of_your_own() -> None:
    text = Running((b"\n\na\nb\r\n \t\nc\n\n\n", b"d"))
    assert text.parted("").documents == (b"a\nb", b"c", b"d")
    assert Running((b"<end>\na\n\nb\n <end> \n<end>\nc",)).parted("<end>").documents == (b"a\n\nb", b"c")


def test_whole_documents_are_held_out() -> None:
    documents = tuple(bytes([65 + i]) * 10 for i in range(20))
    train, valid = Running(documents).held_out(True)
    assert (train.documents, valid.documents) == (documents[:18], documents[18:])
    train, valid = Running((b"x", b"y" * 100)).held_out(True)
    assert (train.documents, valid.documents) == ((b"x",), (b"y" * 100,))


def test_one_text_is_cut_between_characters(tmp_path: Path) -> None:
    text = "\U0001f98a" * 101
    train, valid = Running((text.encode(),)).held_out(True)
    assert train.text.decode() + valid.text.decode() == text
    assert len(Running((text.encode(),)).held_out(False)[0].text) == 404 * 9 // 10
    (tmp_path / "t.txt").write_text(text)
    Text(
        0, train=str(tmp_path / "t.txt"), length=4, tokenizer=lambda specials: BytePairs(specials, vocab=260)
    ).prepare()


@pytest.mark.parametrize("corpus", ["speeches", "addresses"])
def test_shipped_corpora(corpus: Any) -> None:
    joined, data = Text(0, corpus=corpus).about(), Text(0, corpus=corpus, documents="pack")
    about = data.about()
    for split in ("train", "valid", "test"):
        documents = about[f"{split}_documents"]
        assert documents > 1 or corpus == "speeches"
        # without the line feed at the end of a document and the empty line, but for the last
        assert joined[f"{split}_bytes"] - about[f"{split}_bytes"] == 2 * documents - 1
        assert about[f"{split}_tokens"] == about[f"{split}_bytes"] + documents + 1
