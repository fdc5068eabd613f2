"""Labelled words and symbols: formats, rows, labels on first pieces, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from experiments.data import BadData, BytePairs, LabelledTokens
from experiments.data.reading import hidden_states, punctuation
from experiments.data.reading.label_counts import scores
from experiments.data.reading.tagged import Tagged, read_sequences, read_tagged

PAD, BOS = 256, 257
CONLL = "-DOCSTART- -X- O\n\nwe\tO\nmet\tO\nAda\tB-PER\n\nshe DT O\nleft VB O\n"


def data_of(
    folder: Path, train: str, valid: str | None = None, ending: str = "conll", **options: Any
) -> LabelledTokens:
    (folder / f"train.{ending}").write_text(train)
    (folder / f"valid.{ending}").write_text(train if valid is None else valid)
    files = {name: str(folder / f"{name}.{ending}") for name in ("train", "valid")}
    return LabelledTokens(0, **files, **options)


def test_blocks(tmp_path: Path) -> None:
    data = data_of(tmp_path, CONLL)
    assert data.class_names == ["B-PER", "O"]
    assert [(each.units, each.labels, each.row) for each in data.sequences("train")] == [
        (["we", "met", "Ada"], ["O", "O", "B-PER"], 3),
        (["she", "left"], ["O", "O"], 7),
    ]
    (batch,) = data.eval_loader()
    assert batch["tokens"].tolist() == [[BOS, *b"we met Ada"], [BOS, *b"she left", PAD, PAD]]
    assert batch["labelled"].nonzero().tolist() == [[0, 1], [0, 3], [0, 7], [1, 1], [1, 4]]
    assert batch["labels"][batch["labelled"]].tolist() == [1, 1, 0, 1, 1]
    assert batch["valid"].sum(1).tolist() == [11, 9]


@pytest.mark.parametrize(
    ("ending", "unit", "text"),
    [
        ("csv", "symbol", "sequence,labels\nACD,HHE\nAC,EE\n"),
        ("jsonl", "word", '{"sequence": "A C D", "labels": "H H E"}\n{"sequence": "A C", "labels": "E E"}\n'),
        ("fasta", "symbol", ">a some protein\nAC\nD\n>a\nHHE\n>b:sequence\nAC\n>b:secstr\nEE\n"),
    ],
)
def test_formats_agree(ending: str, unit: Any, text: str, tmp_path: Path) -> None:
    data = data_of(tmp_path, text, ending=ending, unit=unit)
    assert [(list(each.units), list(each.labels)) for each in data.sequences("train")] == [
        (["A", "C", "D"], ["H", "H", "E"]),
        (["A", "C"], ["E", "E"]),
    ]


def test_labels_beside_a_fasta_file_and_columns_of_other_names(tmp_path: Path) -> None:
    (tmp_path / "a.fasta").write_text(">x\nACD\n>y\nAA\n")
    (tmp_path / "a.labels").write_text(">y\nEE\n>x\nH H\n")
    found = read_tagged(tmp_path / "a.fasta", "symbol", "sequence", "labels")
    assert [list(each.labels) for each in found] == [["H", " ", "H"], ["E", "E"]]
    (tmp_path / "a.tsv").write_text("text\ttags\nAC\tHE\n")
    assert read_tagged(tmp_path / "a.tsv", "symbol", "text", "tags") == [Tagged(["A", "C"], ["H", "E"], 2)]


@pytest.mark.parametrize(
    ("ending", "text", "says"),
    [
        ("conll", "we\tO\nmet\n", r"train.conll:2: a word and its label are wanted on a line, there is 'met'"),
        ("csv", "sequence,labels\nACD,HE\n", r"train.csv:2: 3 symbols and 2 labels: every symbol needs one"),
        ("csv", "sequence,tags\nACD,HHE\n", r"train.csv:1: no column 'labels'"),
        ("fasta", "ACD\n", r"train.fasta:1: a record starts with a line '>name'"),
        ("fasta", ">a\nACD\n>b\nHHE\n", r"train.fasta:1: 'a' has no labels: .* in train.labels"),
        ("fasta", ">a\n>b\nHHE\n", r"train.fasta:1: record 'a' is empty"),
        ("csv", "sequence,labels\nACD,HHH\n", r"only one label, 'H': nothing to tell apart"),
        ("conll", "\n-DOCSTART- O\n\n", r"train.conll: there is no sequence"),
    ],
)
def test_bad_files(ending: str, text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=says):
        data_of(tmp_path, text, ending=ending, unit="symbol").prepare()


def test_a_label_that_training_has_not_and_a_file_without_its_labels(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"valid.conll:1: label 'X' of 'b' is not in the training file, which has O, P"):
        data_of(tmp_path, "a\tO\nb\tP\n", "a\tO\nb\tX\n").prepare()
    (tmp_path / "a.fasta").write_text(">x\nACD\n>y\nAA\n")
    (tmp_path / "a.labels").write_text(">x\nHHH\n")
    with pytest.raises(BadData, match=r"a.fasta:3: 'y' has no labels in a.labels"):
        read_tagged(tmp_path / "a.fasta", "symbol", "", "")
    with pytest.raises(BadData, match=r"data.train was given without data.valid"):
        LabelledTokens(0, train=str(tmp_path / "a.fasta")).prepare()


def test_long_sequences_become_windows_that_hold_every_unit_once(tmp_path: Path) -> None:
    text = "".join(f"w{i}\t{'AB'[i % 2]}\n" for i in range(10))
    data = data_of(tmp_path, text, length=8)
    rows = data.rows("train").tagged
    assert [unit for row in rows for unit in row.units] == [f"w{i}" for i in range(10)]
    assert max(len(row.ids) for row in rows) <= 8 and len(rows) == 5
    assert "train_words_cut" not in data.about()
    cut = data_of(tmp_path, text, length=8, too_long="cut")
    assert (len(cut.rows("train")), cut.about()["train_words_cut"]) == (1, 8)
    with pytest.raises(BadData, match=r"train.conll:1: more than 8 tokens: raise data.length, or set data.too_long"):
        data_of(tmp_path, text, length=8, too_long="refuse").prepare()
    # a word alone that is longer than a row loses its end
    whole = data_of(tmp_path, "abcdefghijkl\tA\nx\tB\n", length=8).rows("train").tagged
    assert [row.ids for row in whole] == [[BOS, *b"abcdefg"], [BOS, *b" x"]]


def test_pieces_of_words(tmp_path: Path) -> None:
    words = ["never", "say", "never", "again"] * 6
    text = "".join(f"{word}\t{'XY'[i % 2]}\n" for i, word in enumerate(words))
    data = data_of(tmp_path, text, tokenizer=partial(BytePairs, vocab=270))
    (batch,) = data.eval_loader()
    starts = batch["labelled"][0].nonzero()[:, 0].tolist()
    assert len(starts) == 24 and len(starts) < len(batch["tokens"][0]) - 1
    assert data.tokenizer.decode(batch["tokens"][0].tolist()) == " ".join(words)
    assert all(data.tokenizer.decode([batch["tokens"][0, i].item()]).startswith(" ") for i in starts[1:])


@pytest.mark.parametrize("labels", [lambda: hidden_states.hidden_states("valid")[:20]])
def test_scores_are_scikit_learn_s(labels: Callable[[], list[Tagged]]) -> None:
    true = labels()
    told = [hidden_states.likeliest(each.units) for each in true]
    a, b = ([label for each in side for label in each] for side in (told, [each.labels for each in true]))
    found = scores(told, true)
    assert found == pytest.approx({"accuracy": accuracy_score(b, a), "f1": f1_score(b, a, average="macro")})


def test_marks_and_capitals_are_taken_off_and_put_back() -> None:
    text = 'Mr. Speaker: "We have met" (again) - haven\'t we? Yes, 1,000 times; 5% more!'
    words, labels = punctuation.stripped(text)
    assert words == [
        "mr",
        "speaker",
        "we",
        "have",
        "met",
        "again",
        "haven't",
        "we",
        "yes",
        "1,000",
        "times",
        "5%",
        "more",
    ]
    back = "Mr. Speaker, We have met again haven't we. Yes, 1,000 times, 5% more."
    assert punctuation.restored(words, labels) == back
    first, second = punctuation.speeches("A b.\nC d?\n\nE, f\n")
    assert (first.units, first.labels, first.row) == (
        ["a", "b", "c", "d"],
        ["Capital", "lower.", "Capital", "lower."],
        1,
    )
    assert (second.labels, second.row) == (["Capital,", "lower"], 4)


def test_hidden_states_are_the_same_each_time_and_follow_the_rule() -> None:
    once, again = hidden_states.hidden_states("valid"), hidden_states.hidden_states("valid")
    assert once == again and once != hidden_states.hidden_states("test")[:200]
    labels = [label for each in once for label in each.labels]
    shares = [labels.count(state) / len(labels) for state in hidden_states.STATES]
    assert shares == pytest.approx(hidden_states.start().tolist(), abs=0.03)


def test_the_chances_of_states_are_those_of_all_paths_together() -> None:
    """Against the sum over every path, one by one."""
    import itertools

    symbols = list("ACWYA")
    emit, move, start = hidden_states.emissions(), hidden_states.moves(), hidden_states.start()
    right = torch.zeros(5, 3, dtype=torch.float64)
    for path in itertools.product(range(3), repeat=5):
        # the first symbol's state follows one that is drawn in the long run's shares, which changes nothing
        p = start[path[0]]
        for i, state in enumerate(path):
            p *= emit[state, hidden_states.SYMBOLS.index(symbols[i])] * (move[path[i - 1], state] if i else 1.0)
        for i, state in enumerate(path):
            right[i, state] += p
    right /= right.sum(1, keepdim=True)
    torch.testing.assert_close(torch.from_numpy(hidden_states.chances(symbols)), right, rtol=1e-9, atol=1e-9)
    assert hidden_states.likeliest(symbols) == [hidden_states.STATES[int(i)] for i in right.argmax(1)]


def test_references_of_the_shipped_symbols() -> None:
    data = LabelledTokens(0, corpus="hidden_states")
    found = {(r.label, r.metric): r.value for r in data.references()}
    accuracy = [found[rule, "valid/accuracy"] for rule in ("majority", "unigram", "optimum")]
    assert accuracy == sorted(accuracy) and accuracy[0] < 0.5 and accuracy[2] > 0.7
    assert data.classes == 3 and data.about()["valid_rows"] == 200


def test_new_inputs_need_only_what_was_saved(tmp_path: Path) -> None:
    data = data_of(tmp_path, CONLL, tokenizer=partial(BytePairs, vocab=270))
    data.prepare()
    data.save(tmp_path)
    for name in ("train", "valid"):
        (tmp_path / f"{name}.conll").unlink()
    again = LabelledTokens(0, train=str(tmp_path / "train.conll"), valid="no", tokenizer=partial(BytePairs, vocab=270))
    again.load(tmp_path)
    assert again.class_names == ["B-PER", "O"]
    items = again.items("we met\nAda")
    assert items.inputs == ["we met Ada"]
    batch = items.rows.batch(items.rows.keys(None))
    assert "labels" not in batch and int(batch["labelled"].sum()) == 3
    (tmp_path / "new.txt").write_text("she left\n\nwe met\n")
    assert again.items(tmp_path / "new.txt").inputs == ["she left", "we met"]
    (tmp_path / "new.fasta").write_text(">a\nAC\nD\n")
    assert read_sequences(tmp_path / "new.fasta", "symbol", "sequence") == [Tagged(["A", "C", "D"], [], 1)]
    with pytest.raises(BadData, match="there is no sequence"):
        again.items("  ")


def test_batches_depend_on_the_seed_alone_and_go_on_in_mid_pass(tmp_path: Path) -> None:
    text = "".join(f"w{i}\t{'AB'[i % 2]}\n\n" for i in range(20))
    first, again, resumed = (data_of(tmp_path, text, batch_size=3).train_loader() for _ in range(3))
    taken = [next(batches) for batches in [iter(first)] for _ in range(10)]
    assert torch.equal(next(iter(again))["tokens"], taken[0]["tokens"])
    assert not torch.equal(taken[0]["tokens"], taken[6]["tokens"])
    resumed.load_state_dict({"drawn": 9})
    assert torch.equal(next(iter(resumed))["tokens"], taken[9]["tokens"])
