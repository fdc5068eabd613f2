"""Labelled texts: classes, padding, and what is refused."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments.data import BadData, BytePairs, Bytes, LabelledText

PAD, BOS = 256, 257


def labelled(folder: Path, train: str, valid: str = "b\tx\n", **options: Any) -> LabelledText:
    for name, rows in (("train", train), ("valid", valid)):
        (folder / f"{name}.tsv").write_text("label\ttext\n" + rows)
    return LabelledText(0, train=str(folder / "train.tsv"), valid=str(folder / "valid.tsv"), **options)


def test_batch(tmp_path: Path) -> None:
    data = labelled(tmp_path, "b\tAB\na\tC\n", "a\tABC\nb\tA\n")
    assert (data.class_names, data.classes, data.vocab) == (["a", "b"], 2, 259)
    assert data.length == 256
    (batch,) = data.eval_loader()
    assert batch["tokens"].tolist() == [[BOS, 65, 66, 67], [BOS, 65, PAD, PAD]]
    assert batch["valid"].tolist() == [[True] * 4, [True, True, False, False]]
    assert batch["labels"].tolist() == [0, 1]


def test_order_is_a_permutation(tmp_path: Path) -> None:
    data = labelled(tmp_path, "".join(f"{'ab'[i % 2]}\t{chr(65 + i)}\n" for i in range(7)), batch_size=3)
    loader = data.train_loader()
    taken = iter(loader)
    first = torch.cat([next(taken)["tokens"][:, 1] for _ in range(len(loader))]).tolist()
    assert len(loader) == 2
    assert len(set(first)) == 6


@pytest.mark.parametrize("batching", ["shuffled", "bucketed"])
def test_rows_go_without_tokens_in_training_alone(batching: Any, tmp_path: Path) -> None:
    texts = [chr(65 + i) * 50 for i in range(6)]
    rows = "".join(f"{'ab'[i % 2]}\t{text}\n" for i, text in enumerate(texts))
    data = labelled(tmp_path, rows, f"a\t{texts[0]}\n", batch_size=3, drop=0.4, batching=batching)
    loader = data.train_loader()
    batches = [batch for batch, _ in zip(loader, range(40), strict=False)]
    lengths = torch.cat([batch["valid"].sum(1) - 1 for batch in batches])
    assert lengths.double().mean().item() == pytest.approx(30, abs=1) and len(set(lengths.tolist())) > 5
    for batch in batches:
        assert (batch["tokens"][:, 0] == BOS).all()
        # a text is one letter many times, and its label whether that is the first, the third ...
        assert ((batch["tokens"][:, 1] - 65) % 2 == batch["labels"]).all()
    again = [batch for batch, _ in zip(data.train_loader(), range(40), strict=False)]
    assert all(torch.equal(one["tokens"], other["tokens"]) for one, other in zip(batches, again, strict=True))
    assert next(iter(data.eval_loader()))["tokens"].shape == (1, 51)


def test_long_text(tmp_path: Path) -> None:
    train = "a\tABCD\nb\tA\n"
    data = labelled(tmp_path, train, length=4)
    assert data.rows("train").texts[0] == [BOS, 65, 66, 67]
    assert data.about()["train_rows_cut"] == 1
    with pytest.raises(BadData) as error:
        labelled(tmp_path, train, length=4, too_long="refuse").prepare()
    about = "train.tsv:2: 'text' has 4 tokens, at most 3 fit: raise data.length, or set data.too_long to cut"
    assert str(error.value).endswith(about)


def test_unseen_label(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"valid.tsv:3: label 'c' is not in the training file, which has a, b"):
        labelled(tmp_path, "a\tx\nb\tx\n", "a\tx\nc\tx\n").prepare()


def test_one_label(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="only one label, 'a', in column 'label'"):
        labelled(tmp_path, "a\tx\na\ty\n").prepare()


def test_train_needs_valid(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("label\ttext\na\tx\nb\ty\n")
    with pytest.raises(BadData, match=r"data.train was given without data.valid"):
        LabelledText(0, train=str(tmp_path / "t.tsv")).prepare()


def test_shipped_corpus(tmp_path: Path) -> None:
    data = LabelledText(0)
    assert data.class_names == ["animal", "food", "location", "person"]
    assert data.about()["train_rows"] == 1600
    data.save(tmp_path)
    assert (tmp_path / "labels.json").read_text() == '[\n "animal",\n "food",\n "location",\n "person"\n]\n'


@pytest.mark.parametrize(
    ("corpus", "label", "classes"), [("dictionary", "label", 12), ("languages", "label", 50), ("eras", "era", 4)]
)
def test_larger_corpora(corpus: Any, label: str, classes: int) -> None:
    data = LabelledText(0, corpus=corpus, label=label)
    assert data.classes == classes and data.splits() == ["train", "valid", "test"]


def test_few_rows(tmp_path: Path) -> None:
    train = "a\tA\nb\tB\nc\tC\n"
    data = labelled(tmp_path, train, train_rows=2)
    assert len(data.rows("train")) == data.about()["train_rows"] == 2
    # the classes are those of the whole file, so that validation may hold them
    assert data.class_names == ["a", "b", "c"] and len(data.rows("valid")) == 1
    assert len({labelled(tmp_path, train, train_rows=n).fingerprint() for n in (1, 2, None)}) == 3
    assert labelled(tmp_path, train, train_rows=9).about()["train_rows"] == 3


@pytest.mark.parametrize("make", [Bytes, partial(BytePairs, vocab=300)])
def test_used_without_its_training_files(make: Any, tmp_path: Path) -> None:
    first = labelled(tmp_path, "b\tthe cat\na\tthe dog\n", tokenizer=make)
    first.prepare()
    first.save(tmp_path)
    for name in ("train", "valid"):
        (tmp_path / f"{name}.tsv").unlink()
    again = LabelledText(0, train=str(tmp_path / "train.tsv"), valid=str(tmp_path / "valid.tsv"), tokenizer=make)
    again.load(tmp_path)
    assert again.class_names == ["a", "b"]
    rows = again.items("the cat").rows
    assert rows.batch(rows.keys(None))["tokens"].tolist() == [first.rows("train").texts[0]]


def test_new_texts(tmp_path: Path) -> None:
    data = labelled(tmp_path, "b\tA\na\tB\n", length=4)
    assert data.items("AB").inputs == ["AB"]
    (tmp_path / "new.txt").write_text("AB\n\nCDEFG\n")
    items = data.items(tmp_path / "new.txt")
    assert items.inputs == ["AB", "CDEFG"]
    batch = items.rows.batch(items.rows.keys(None))
    assert batch["tokens"].tolist() == [[BOS, 65, 66, PAD], [BOS, 67, 68, 69]] and "labels" not in batch
    (tmp_path / "new.csv").write_text('text\n"A, B"\n')
    assert data.items(tmp_path / "new.csv").inputs == ["A, B"]
    (tmp_path / "bad.csv").write_text("txt\nA\n")
    with pytest.raises(BadData, match=r"bad.csv:1: no column 'text'"):
        data.items(tmp_path / "bad.csv")
    with pytest.raises(BadData, match="text: it is empty"):
        data.items(" ")
    refusing = labelled(tmp_path, "b\tA\na\tB\n", length=4, too_long="refuse")
    with pytest.raises(BadData, match=r"new.txt:3: 'text' has 5 tokens, at most 3 fit"):
        refusing.items(tmp_path / "new.txt")
