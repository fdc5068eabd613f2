"""Several tables as one: prefixes, mixing, batches of one task in validation, new questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sacrebleu
import torch

from experiments.data import BadData, TextToText
from experiments.data.text_to_text import TextTask

PAD, BOS, EOS = 256, 257, 258


def table(path: Path, columns: tuple[str, str], rows: list[tuple[str, str]]) -> None:
    path.write_text("\n".join("\t".join(row) for row in [columns, *rows]) + "\n")


def make(folder: Path, kinds: int = 6, **options: Any) -> TextToText:
    for name in ("train", "valid"):
        table(folder / f"k{name}.tsv", ("text", "label"), [(f"t{i}", "ab"[i % 3 == 0]) for i in range(kinds)])
        table(folder / f"p{name}.tsv", ("en", "es"), [("one", "uno"), ("two", "dos")])
    files = {name: (str(folder / f"k{name}.tsv"), str(folder / f"p{name}.tsv")) for name in ("train", "valid")}
    tasks = {
        "kind": TextTask("text", "label", "kind: ", train=files["train"][0], valid=files["valid"][0]),
        "translate": TextTask("en", "es", "es: ", "overlap", train=files["train"][1], valid=files["valid"][1]),
    }
    return TextToText(0, tasks=tasks, **{"batch_size": 4, "length": 20, **options})


def test_batches(tmp_path: Path) -> None:
    data = make(tmp_path)
    batches = list(data.eval_loader())
    assert [batch["tasks"].tolist() for batch in batches] == [[0] * 4, [1] * 2, [0] * 2]
    batch = batches[1]
    assert bytes(t for t in batch["source"][0].tolist() if t < 256) == b"es: one"
    assert batch["source"][:, -1].tolist() == [EOS, EOS]
    assert batch["tokens"].tolist() == [[BOS, *b"uno"], [BOS, *b"dos"]]
    assert batch["targets"].tolist() == [[*b"uno", EOS], [*b"dos", EOS]]
    assert [data.rows("valid").texts[i] for i in batch["rows"].tolist()] == ["uno", "dos"]
    assert (data.vocab, data.source_vocab, data.splits()) == (259, 259, ["train", "valid"])


@pytest.mark.parametrize(
    ("mixing", "kinds", "counts"), [("proportional", 6, [6, 2]), ("equal", 6, [4, 4]), ("equal", 7, [5, 4])]
)
def test_mixing(tmp_path: Path, mixing: str, kinds: int, counts: list[int]) -> None:
    rows = make(tmp_path, kinds, mixing=mixing).rows("train")
    for seed in range(5):
        keys = rows.keys(torch.Generator().manual_seed(seed))
        assert len(keys) == len(rows) == kinds + 2
        assert rows.of[keys].bincount().tolist() == counts
        # the smaller table is gone through evenly
        assert keys[rows.of[keys] == 1].bincount()[kinds:].tolist() == [counts[1] // 2] * 2
        assert len(set(keys[rows.of[keys] == 0].tolist())) == counts[0]


def test_order_follows_from_the_seed(tmp_path: Path) -> None:
    data = make(tmp_path, mixing="equal", batch_size=2)
    loader = data.train_loader()
    batches = [batch for batch, _ in zip(loader, range(9), strict=False)]
    again = make(tmp_path, mixing="equal", batch_size=2).train_loader()
    again.load_state_dict({"drawn": 8})
    resumed = next(iter(again))
    assert all(torch.equal(resumed[name], batches[8][name]) for name in resumed)


def test_references(tmp_path: Path) -> None:
    found = {reference.metric: reference.value for reference in make(tmp_path).references()}
    copied = sacrebleu.corpus_chrf(["one", "two"], [["uno", "dos"]]).score
    assert found == {"valid/kind_accuracy": pytest.approx(4 / 6), "valid/translate_chrf": pytest.approx(copied)}


def test_new_questions(tmp_path: Path) -> None:
    data = make(tmp_path)
    items = data.items("kind: x")
    assert items.rows.batch(torch.tensor([0]))["source"].tolist() == [[*b"kind: x", EOS]]
    (tmp_path / "new.txt").write_text("kind: x\nes: " + "y" * 20)
    with pytest.raises(BadData, match=r"new.txt:2: .* has 24 tokens, at most 19 fit"):
        data.items(tmp_path / "new.txt")


def test_long_texts(tmp_path: Path) -> None:
    data = make(tmp_path, length=7)
    assert data.about()["valid_texts_cut"] == 8
    assert data.rows("valid").source[0] == [*b"kind: ", EOS]
    with pytest.raises(BadData, match=r"ktrain.tsv:2: 'text' has 8 tokens, at most 6 fit"):
        make(tmp_path, length=7, too_long="refuse").prepare()


def test_tasks_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one task"):
        TextToText(0, tasks={})
    with pytest.raises(ValueError, match="task 'a' of the data needs either a `corpus` or a `train` file"):
        TextToText(0, tasks={"a": TextTask("x", "y")})
    missing = TextTask("en", "fr", corpus="verses")
    with pytest.raises(BadData, match="no column 'fr'"):
        TextToText(0, tasks={"a": missing}).prepare()
    with pytest.raises(BadData, match="there is no test table in every task"):
        make(tmp_path).rows("test")
