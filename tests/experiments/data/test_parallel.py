"""Pairs: what the encoder reads, what the decoder reads, and what it has to answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.data import BadData, ParallelText

PAD, BOS, EOS = 256, 257, 258


def pairs(folder: Path, rows: str, **options: Any) -> ParallelText:
    for name in ("train", "valid"):
        (folder / f"{name}.tsv").write_text("en\tes\n" + rows)
    return ParallelText(0, train=str(folder / "train.tsv"), valid=str(folder / "valid.tsv"), **options)


def test_batch(tmp_path: Path) -> None:
    data = pairs(tmp_path, "A\tBC\nAB\tC\n")
    (batch,) = data.eval_loader()
    assert batch["source"].tolist() == [[65, EOS, PAD], [65, 66, EOS]]
    assert batch["source_valid"].tolist() == [[True, True, False], [True] * 3]
    assert batch["tokens"].tolist() == [[BOS, 66, 67], [BOS, 67, PAD]]
    assert batch["targets"].tolist() == [[66, 67, EOS], [67, EOS, PAD]]
    assert batch["valid"].tolist() == [[True] * 3, [True, True, False]]
    assert batch["rows"].tolist() == [0, 1]
    assert (data.length, data.source_vocab, data.vocab) == (256, 259, 259)
    assert data.sizes().tolist() == [1] * 256 + [0] * 3


def test_long_sentence_is_cut_but_its_reference_is_not(tmp_path: Path) -> None:
    data = pairs(tmp_path, "ABCDE\tFGHIJ\n", length=4)
    rows = data.rows("valid")
    assert (rows.source, rows.target, rows.texts) == ([[65, 66, 67, EOS]], [[70, 71, 72, EOS]], ["FGHIJ"])
    assert data.about()["valid_sentences_cut"] == 2
    with pytest.raises(BadData, match=r"train.tsv:2: 'en' has 5 tokens, at most 3 fit"):
        pairs(tmp_path, "ABCDE\tF\n", length=4, too_long="refuse").prepare()


def test_wrong_column(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no column 'de'; its columns, named by the first row, are en, es"):
        pairs(tmp_path, "A\tB\n", target="de").prepare()


def test_shipped_corpus() -> None:
    data = ParallelText(0)
    about = data.about()
    assert (about["train_rows"], about["valid_rows"], about["test_rows"]) == (2500, 115, 150)
    assert "train_sentences_cut" not in about


@pytest.mark.parametrize(("corpus", "target", "rows"), [("bible", "es", 16161), ("interface", "de", 12072)])
def test_larger_corpora(corpus: Any, target: str, rows: int) -> None:
    data = ParallelText(0, corpus=corpus, target=target)
    assert len(data.tables["train"]) == rows and data.splits() == ["train", "valid", "test"]


def test_new_sentences(tmp_path: Path) -> None:
    data = pairs(tmp_path, "A\tBC\n")
    (tmp_path / "new.txt").write_text("AB\nC\n")
    (tmp_path / "new.tsv").write_text("id\ten\n1\tAB\n2\tC\n")
    for name in ("new.txt", "new.tsv"):
        items = data.items(tmp_path / name)
        assert items.inputs == ["AB", "C"]
        batch = items.rows.batch(items.rows.keys(None))
        assert {name: tensor.tolist() for name, tensor in batch.items()} == {
            "source": [[65, 66, EOS], [67, EOS, PAD]],
            "source_valid": [[True] * 3, [True, True, False]],
            "rows": [0, 1],
        }
    assert data.items("AB").inputs == ["AB"]
    with pytest.raises(BadData, match="text: it is empty"):
        data.items("")
