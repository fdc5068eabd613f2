"""Rows of a masked language model: their layout, new in every pass, the same in every validation; new texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from experiments.data import BadData, MaskedText
from experiments.data.tokenizers import BytePairs, Words

PAD, BOS, EOS, MASK = 256, 257, 258, 259
SENTENCES = [f"this is sentence {i} of the text." for i in range(24)]
TEXT = "\n\n".join("\n".join(SENTENCES[i : i + 8]) for i in (0, 8, 16)) + "\n"


def make(folder: Path, text: str = TEXT, **options: Any) -> MaskedText:
    for name in ("train", "valid"):
        (folder / f"{name}.txt").write_text(text)
    options = {"length": 48, "batch_size": 4} | options
    return MaskedText(0, train=str(folder / "train.txt"), valid=str(folder / "valid.txt"), **options)


@pytest.mark.parametrize("choose", ["tokens", "words"])
def test_pairs(tmp_path: Path, choose: str) -> None:
    data = make(tmp_path, choose=choose)
    assert (data.vocab, data.mask, data.shape()) == (260, MASK, {"embedding.types": 2, "head.nsp": True})
    for batch in data.eval_loader():
        tokens, targets, scored, valid = (batch[name] for name in ("tokens", "targets", "scored", "valid"))
        assert set(batch) == {"tokens", "targets", "scored", "valid", "types", "follows"}
        assert batch["follows"].dtype == torch.bool
        assert (targets[:, 0] == BOS).all()
        assert ((targets == EOS).sum(1) == 2).all()
        assert not (scored & (targets >= 256)).any()
        assert (tokens[~scored] == targets[~scored]).all()
        assert (valid == (targets != PAD)).all()
        for row, types, there in zip(targets.tolist(), batch["types"].tolist(), valid.sum(1).tolist(), strict=True):
            first = row.index(EOS) + 1
            assert types == [0] * first + [1] * (there - first) + [0] * (len(row) - there)
        if choose == "tokens":
            assert scored.sum(1).tolist() == [max(1, round(0.15 * n)) for n in valid.sum(1).tolist()]


def test_runs_of_sentences(tmp_path: Path) -> None:
    data = make(tmp_path, pairs="none")
    assert data.shape() == {}
    batch = next(iter(data.train_loader()))
    assert set(batch) == {"tokens", "targets", "scored", "valid"}
    for row in batch["targets"].tolist():
        [first, *_] = data.tokenizer.decode(row).split("text.")
        assert first + "text." in SENTENCES
    # without pairs one document is enough
    make(tmp_path, "one sentence.\nanother one.\n", pairs="none").prepare()


def test_texts_of_a_table(tmp_path: Path) -> None:
    for name in ("train", "valid"):
        (tmp_path / f"{name}.tsv").write_text("word\ttext\noak\ta tree\nbee\tan insect\n")
    files = {name: str(tmp_path / f"{name}.tsv") for name in ("train", "valid")}
    data = MaskedText(0, **files, column="text", pairs="none")
    assert data.about()["train_documents"] == 2
    [row] = next(iter(data.eval_loader()))["targets"].tolist()
    assert "an insect" in data.tokenizer.decode(row)
    assert not {"oak", "bee"} & set(data.tokenizer.decode(row).split())
    with pytest.raises(BadData, match="no column 'texts'"):
        MaskedText(0, **files, column="texts").prepare()
    with pytest.raises(ValueError, match="column 'text' is one of tables of your own"):
        MaskedText(0, column="text")


def test_shipped_definitions() -> None:
    data = MaskedText(0, corpus="dictionary", pairs="none", tokenizer=lambda specials: Words(specials, vocab=500))
    assert data.splits() == ["train", "valid", "test"]
    assert data.about()["train_documents"] == 12088


def test_a_pass_is_drawn_anew_and_goes_on_where_it_was(tmp_path: Path) -> None:
    data = make(tmp_path)
    rows = data.rows("train")
    passes = [{int(key[0]): key for key in rows.keys(torch.Generator().manual_seed(seed))} for seed in (1, 2)]
    assert [set(keys) for keys in passes] == [set(range(len(rows)))] * 2
    drawn = [[rows.batch(keys[i][None])["tokens"].tolist() for i in range(len(rows))] for keys in passes]
    assert all(one != other for one, other in zip(*drawn, strict=True))
    loader = data.train_loader()
    steps = len(loader) * 2
    batches = [batch for batch, _ in zip(loader, range(steps), strict=False)]
    again = make(tmp_path).train_loader()
    again.load_state_dict({"drawn": steps - 1})
    resumed = next(iter(again))
    assert all(torch.equal(resumed[name], batches[-1][name]) for name in resumed)
    one, other = list(data.eval_loader()), list(make(tmp_path).eval_loader())
    assert all(torch.equal(a[name], b[name]) for a, b in zip(one, other, strict=True) for name in a)


def test_every_part_of_the_text_is_read(tmp_path: Path) -> None:
    data = make(tmp_path, pairs="none", length=40)
    found = "".join(data.tokenizer.decode(row) for b in data.eval_loader() for row in b["targets"].tolist())
    assert sum(sentence in found for sentence in SENTENCES) > 12


def test_references(tmp_path: Path) -> None:
    """The commonest byte is the space, or whatever is; the numbers are those of a count by hand."""
    data = make(tmp_path)
    told = [int(t) for b in data.eval_loader() for t in b["targets"][b["scored"]]]
    common = max(set(TEXT.replace("\n", "")), key=TEXT.replace("\n", "").count)
    found = {reference.metric: reference.value for reference in data.references()}
    assert found["valid/masked_accuracy"] == pytest.approx(told.count(ord(common)) / len(told))
    assert 1 < found["valid/masked_perplexity"] < 260
    assert 0.5 <= found["valid/nsp_accuracy"] < 0.8


def test_new_texts(tmp_path: Path) -> None:
    data = make(tmp_path)
    items = data.items("a<mask>c\td[MASK]")
    batch = items.rows.batch(torch.tensor([0]))
    assert items.inputs == ["a<mask>c\td[MASK]"]
    assert batch["tokens"].tolist() == [[BOS, 97, MASK, 99, EOS, 100, MASK, EOS]]
    assert batch["types"].tolist() == [[0] * 5 + [1] * 3]
    (tmp_path / "new.txt").write_text("ab\n\nc\n")
    items = data.items(tmp_path / "new.txt")
    assert items.inputs == ["ab", "c"]
    assert items.rows.batch(items.rows.keys(None))["tokens"].tolist() == [[BOS, 97, 98, EOS], [BOS, 99, EOS, PAD]]
    (tmp_path / "new.txt").write_text("ab\n\n" + "c" * 47)
    with pytest.raises(BadData, match=r"new.txt:3: 47 tokens, at most 46 fit"):
        data.items(tmp_path / "new.txt")


def test_a_space_belongs_to_the_word_behind_it(tmp_path: Path) -> None:
    data = make(tmp_path, tokenizer=lambda specials: BytePairs(specials, vocab=290))
    data.prepare()
    ids = data.items("the <mask> text").rows.batch(torch.tensor([0]))["tokens"][0].tolist()
    place = ids.index(data.mask)
    assert data.tokenizer.decode(ids[:place]) == "the"
    assert data.tokenizer.decode(ids[place:]) == " text"


def test_bad_text(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"train.txt: one document only, .* set data.pairs to none"):
        make(tmp_path, "one sentence.\nanother one.\n").prepare()
    with pytest.raises(BadData, match=r"train.txt: the file is empty"):
        make(tmp_path, "").prepare()
    with pytest.raises(BadData, match=r"data.train was given without data.valid"):
        MaskedText(0, train=str(tmp_path / "train.txt")).prepare()
    with pytest.raises(BadData, match=r"there is no test text: give data.test a file"):
        make(tmp_path).rows("test")
    (tmp_path / "latin.txt").write_bytes(b"one\n\ntwo \xe9\n")
    with pytest.raises(BadData, match=r"latin.txt:3: not UTF-8"):
        MaskedText(0, train=str(tmp_path / "latin.txt"), valid=str(tmp_path / "latin.txt")).prepare()


def test_shipped_corpus() -> None:
    about = MaskedText(0).about()
    assert (about["train_documents"], about["valid_documents"], about["test_documents"]) == (88, 11, 11)
