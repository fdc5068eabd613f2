"""Questions: where answers stand as tokens, the shipped ones, and what is refused."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments.data import BadData, BytePairs, Questions
from experiments.data.reading.asked import NOWHERE, ids_of, piece_sizes, tokens_of
from experiments.data.reading.dictionary_questions import DictionaryQuestions, question
from experiments.data.tokenizers import Words

PAD, BOS, EOS = 256, 257, 258
ROWS: list[dict[str, Any]] = [
    {"question": "who?", "context": "é Ada met", "answer": "Ada", "start": 2},
    {"question": "when", "context": "in May", "answer": "May", "start": 3},
]


def asked(
    folder: Path, train: list[dict[str, Any]], valid: list[dict[str, Any]] | None = None, **options: Any
) -> Questions:
    for name, rows in (("train", train), ("valid", valid or train)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return Questions(0, train=str(folder / "train.jsonl"), valid=str(folder / "valid.jsonl"), **options)


def test_batch(tmp_path: Path) -> None:
    (batch,) = asked(tmp_path, ROWS).eval_loader()
    first = [BOS, *b"who?", EOS, *"é Ada met".encode(), EOS]
    second = [BOS, *b"when", EOS, *b"in May", EOS]
    assert batch["tokens"].tolist() == [first, [*second, *[PAD] * 4]]
    assert batch["types"].tolist() == [[0] * 6 + [1] * 11, [0] * 6 + [1] * 7 + [0] * 4]
    assert batch["context"].nonzero()[:, 1].tolist() == [*range(6, 16), *range(6, 12)]
    assert (batch["starts"].tolist(), batch["ends"].tolist()) == ([9, 9], [11, 11])
    assert batch["valid"].sum(1).tolist() == [17, 13]


@pytest.mark.parametrize("vocab", [262, 300])
def test_an_answer_is_the_tokens_that_hold_its_characters(vocab: int) -> None:
    text = "the élan of the new Élan: the élan, (élan) again" * 3
    tokenizer = BytePairs(3, vocab=vocab)
    tokenizer.fit([text.encode()])
    ids = ids_of(tokenizer, text)
    for answer in ("élan", "Élan", "again", "the", text):
        start = text.index(answer)
        first, last = tokens_of(text, ids, piece_sizes(tokenizer), start, answer)
        assert answer in tokenizer.decode(ids[first : last + 1])
        assert answer not in tokenizer.decode(ids[first + 1 : last + 1])
        assert answer not in tokenizer.decode(ids[first:last])


def test_long_contexts_are_cut_and_lost_answers_left_out_of_training_only(tmp_path: Path) -> None:
    rows = [ROWS[0], {**ROWS[1], "answer": "in", "start": 0}]
    # the first answer ends with the sixth byte of its context, and beside seven others there is room for so many
    assert len(asked(tmp_path, rows, length=13).rows("train")) == 2
    data = asked(tmp_path, rows, length=12)
    assert (len(data.rows("train")), len(data.rows("valid")), data.about()["valid_cut"]) == (1, 2, 1)
    (batch,) = data.eval_loader()
    assert batch["starts"].tolist() == [NOWHERE, 6] and batch["ends"].tolist() == [NOWHERE, 7]
    assert batch["tokens"].shape == (2, 12)
    with pytest.raises(BadData, match=r"train.jsonl:1: 17 tokens, at most 13 fit: raise data.length, or set"):
        asked(tmp_path, rows, length=13, too_long="refuse").prepare()
    with pytest.raises(BadData, match=r"no answer is within the first 8 tokens: raise data.length"):
        asked(tmp_path, rows, length=8).prepare()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start": 3}, r"train.jsonl:2: the answer 'May' is not at 3: there is 'ay'"),
        ({"start": -1}, r"train.jsonl:2: start is '-1', not a character's number"),
        ({"answer": ""}, r"train.jsonl:2: column 'answer' is empty"),
    ],
)
def test_bad_rows(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    row = {**ROWS[1], "context": "by May", **change}
    if change.get("start") == 3:
        row["context"] = "by  ay"
        says = r"train.jsonl:2: the answer 'May' is not at 3: there is ' ay'"
    with pytest.raises(BadData, match=says):
        asked(tmp_path, [ROWS[0], row]).prepare()


@pytest.fixture(scope="module")
def dictionary() -> Questions:
    data = Questions(0, tokenizer=partial(BytePairs, vocab=2000), length=128, batch_size=8)
    data.prepare()
    return data


def test_exactly_one_entry_has_the_class(dictionary: Questions) -> None:
    rows = dictionary.rows("valid")
    assert isinstance(rows, DictionaryQuestions)
    for row, seed in rows.keys(None)[:200].tolist():
        drawn = rows.drawn(row, seed)
        assert drawn.rows[drawn.right] == row and len(set(drawn.rows)) == 4
        assert [rows.labels[i] for i in drawn.rows].count(rows.labels[row]) == 1
    places = [rows.drawn(row, seed).right for row, seed in rows.keys(None).tolist()]
    assert all(0.2 < places.count(place) / len(places) < 0.3 for place in range(4))


def test_the_answer_s_tokens_are_the_word(dictionary: Questions) -> None:
    rows = dictionary.rows("valid")
    batch = rows.batch(rows.keys(None)[:300])
    right = 0
    for ids, first, last, row in zip(*(batch[k].tolist() for k in ("tokens", "starts", "ends", "rows")), strict=True):
        right += dictionary.tokenizer.decode(ids[first : last + 1]).strip() == rows.answer(row)
    # a word that ends in a mark, or is too long
    assert right >= 297
    assert batch["tokens"].shape[1] <= 128
    assert (batch["context"].gather(1, batch["starts"][:, None])).all()


def test_new_contexts_in_every_pass_but_not_in_evaluation(dictionary: Questions) -> None:
    train, valid = dictionary.rows("train"), dictionary.rows("valid")
    one, two = (train.keys(torch.Generator().manual_seed(seed)) for seed in (1, 2))
    row = int(one[0, 0])
    other = two[two[:, 0] == row]
    assert not torch.equal(train.batch(one[:1])["tokens"], train.batch(other)["tokens"])
    assert torch.equal(train.batch(one[:1])["tokens"], train.batch(one[:1])["tokens"])
    assert torch.equal(valid.batch(valid.keys(None)[:4])["tokens"], next(iter(dictionary.eval_loader()))["tokens"][:4])
    assert [r.value for r in dictionary.references()] == [0.25]
    assert question("animal") == "which is an animal?" and question("plant") == "which is a plant?"


def test_new_inputs(dictionary: Questions, tmp_path: Path) -> None:
    items = dictionary.items("which is a plant?\n fox: a beast. oak: a tree.")
    batch = items.rows.batch(items.rows.keys(None))
    assert items.inputs == ["which is a plant?"] and "starts" not in batch
    assert dictionary.tokenizer.decode(batch["tokens"][0][batch["context"][0]].tolist()) == "fox: a beast. oak: a tree."
    (tmp_path / "new.tsv").write_text("question\tcontext\nwho?\tAda\nwhen?\tMay\n")
    assert dictionary.items(tmp_path / "new.tsv").inputs == ["who?", "when?"]
    with pytest.raises(BadData, match="a question on the first line and the text below it"):
        dictionary.items("who?")
    with pytest.raises(BadData, match="the question leaves no room"):
        dictionary.items("who is it? " * 100 + "\nAda")


def test_a_tokenizer_that_does_not_keep_the_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"train.jsonl:1: this tokenizer does not keep every character"):
        asked(tmp_path, ROWS, tokenizer=partial(Words, vocab=20)).prepare()
